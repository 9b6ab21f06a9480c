import { describe, expect, it } from "vitest";
import { awaitedFindings, awaitedWords } from "../../../actors/deployment/awaited-replicas.ts";
import { project } from "../../../actors/deployment/projection.ts";
import { initialState } from "../../../actors/deployment/state.ts";
import { statusOf } from "../../../actors/deployment/status.ts";
import type { DeploymentView } from "../../../actors/views.ts";
import { addressOf } from "../../../runtime/address.ts";
import { imageOf, running, Stage, templateOf, TENANT } from "./stage.ts";

const WAIT = { partition: "wait" } as const;
const UPDATE = { kind: "update", patch: { image: "app:2" }, image: imageOf("2") } as const;

function placementsOn(stage: Stage, node: string): readonly string[] {
  return Object.values(stage.state.placements).flatMap(({ placementId, stage: where }) =>
    where.stage === "assigned" && where.node === node ? [placementId] : [],
  );
}

/** The node falls silent for too long; answers what it had. */
function lose(stage: Stage, node: string): readonly string[] {
  const placementIds = placementsOn(stage, node);
  stage.tell({ kind: "lost", node, placementIds });
  return placementIds;
}

/** A deployment of three that waits, whose replica on n1 is on a lost node. */
function partitioned(more: Readonly<Record<string, unknown>> = {}): { readonly stage: Stage; readonly lost: string } {
  const stage = running(3, { ...WAIT, ...more });
  const [lost = ""] = lose(stage, "n1");
  return { stage, lost };
}

function asked(stage: Stage): readonly number[] {
  return stage.messages().scheduler.flatMap((message) => (message.kind === "place" ? message.requests.map(({ slot }) => slot) : []));
}

function viewOf({ state, nowMs }: Stage): DeploymentView {
  const address = addressOf(TENANT, "deployment", "web");
  const meta = { commandId: "c", principal: { kind: "system", id: "s", role: "system" }, via: "system", correlationId: "c" } as const;
  const row = project(initialState("web"), state, { address, nowMs, meta }).find(({ kind }) => kind === "deployment");
  if (row?.change !== "put") throw new Error("there is no row");
  return row.body as DeploymentView;
}

describe("a deployment that waits out partitions", () => {
  it("starts nothing in the stead of a replica on a lost node, does not count it, and says so", () => {
    const { stage, lost } = partitioned();
    stage.pass(600_000);
    expect(asked(stage)).toHaveLength(3);
    expect(stage.active()).toContain(lost);
    expect(stage.messages().nodes.filter(({ kind }) => kind === "stop")).toEqual([]);
    expect(statusOf(stage.state)).toEqual({ status: "degraded", reason: "2 of 3 healthy" });
    const view = viewOf(stage);
    expect(view).toMatchObject({ healthyReplicas: 2, awaited: [{ node: "n1", replicas: 1 }] });
    expect(awaitedWords(view, stage.nowMs)).toBe(
      "; 1 of 3 on n1, lost for 10m: not replaced, because partition is wait. If n1 is gone for good: odysseus remove n1",
    );
  });

  it("is planned without it, or says that it would be given up", () => {
    const { stage } = partitioned();
    const [waits, replaces] = [WAIT, {}].map((partition) => awaitedFindings(viewOf(stage), templateOf("2", partition)));
    expect(waits).toEqual([
      "one replica may still run on n1, which is lost: not changed before n1 is back or removed, because partition is wait",
    ]);
    expect(replaces).toEqual(["one replica may still run on n1, which is lost: given up and replaced"]);
  });

  it("goes on with it when its node is back, as it is", () => {
    const { stage, lost } = partitioned();
    const sinceMs = stage.state.placements[lost]?.healthySinceMs;
    stage.pass(60_000);
    stage.healthy(lost);
    expect(statusOf(stage.state).status).toBe("running");
    expect(stage.state.placements[lost]).toMatchObject({ desired: "running", healthySinceMs: sinceMs });
    expect(viewOf(stage).awaited).toBeUndefined();
    expect(asked(stage)).toHaveLength(3);
  });

  it("believes the node that is back also where it says what was known before", () => {
    const { stage, lost } = partitioned();
    const known = stage.state.placements[lost]?.status;
    stage.tell({ kind: "observed", node: "n1", statuses: known === undefined ? [] : [known] });
    expect(statusOf(stage.state).status).toBe("running");
  });

  it("starts another one once a person has removed the node", () => {
    const { stage, lost } = partitioned();
    stage.tell({ kind: "gone", node: "n1", placementIds: [lost] });
    expect(stage.active()).toHaveLength(3);
    expect(stage.active()).not.toContain(lost);
    stage.obey();
    expect(statusOf(stage.state).status).toBe("running");
  });

  it("gives up what is out as soon as it is not to wait any more, and has it stopped when the node is back", () => {
    const { stage, lost } = partitioned();
    stage.accepted({ kind: "update", patch: { partition: "replace" } });
    expect(stage.active()).not.toContain(lost);
    expect(stage.messages().nodes).toContainEqual({ kind: "stop", placementIds: [lost] });
    stage.finish();
    expect(statusOf(stage.state).status).toBe("running");
    expect(asked(stage), "the others stay as they are").toHaveLength(4);
  });

  it("is updated without it, says so, and brings it to the new revision when its node is back", () => {
    const { stage, lost } = partitioned();
    stage.accepted(UPDATE);
    for (let round = 0; round < 20; round++) {
      stage.placeAll();
      for (const id of stage.active()) if (id !== lost && stage.state.placements[id]?.healthySinceMs === undefined) stage.healthy(id);
      for (const { placementId, desired } of Object.values(stage.state.placements)) if (desired === "stopped") stage.ended(placementId);
      stage.pass(1_000);
    }
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", reason: `n1 is lost, and ${lost} may still run there` });
    expect(asked(stage).filter((slot) => slot === stage.state.placements[lost]?.slot)).toHaveLength(1);
    stage.healthy(lost);
    for (let round = 0; round < 5; round++) {
      stage.obey();
      stage.pass(1_000);
    }
    expect(Object.values(stage.state.placements).map(({ contentOf }) => contentOf)).toEqual([2, 2, 2]);
    expect(statusOf(stage.state).status).toBe("running");
  });

  it("fails an update that has nobody but those on lost nodes", () => {
    const stage = running(1, { ...WAIT, rollout: { minHealthyMs: 1_000, placeDeadlineMs: 60_000 } });
    const [node = ""] = ["n1", "n2", "n3"].filter((name) => placementsOn(stage, name).length > 0);
    lose(stage, node);
    stage.accepted(UPDATE);
    stage.pass(59_000);
    expect(stage.state.rollout).toMatchObject({ change: "update", outcome: "in-progress" });
    stage.pass(1_000);
    expect(stage.state.rollout?.cause).toMatch(/no node took it within 60 s: n\d is lost, and web\.1\.1 may still run there/);
    expect(asked(stage)).toHaveLength(1);
  });

  it("starts no other one after it was scaled away, or stopped, and is wanted again", () => {
    const { stage, lost } = partitioned();
    const slot = stage.state.placements[lost]?.slot;
    for (const [away, again] of [
      [
        { kind: "scale", replicas: 0 },
        { kind: "scale", replicas: 3 },
      ],
      [{ kind: "stop" }, { kind: "start" }],
    ] as const) {
      stage.accepted(away);
      for (const { placementId, desired } of Object.values(stage.state.placements))
        if (desired === "stopped" && placementId !== lost) stage.ended(placementId);
      stage.accepted(again);
      stage.placeAll();
    }
    expect(asked(stage).filter((each) => each === slot)).toHaveLength(1);
    stage.ended(lost);
    expect(asked(stage).filter((each) => each === slot)).toHaveLength(2);
  });

  it("is deleted once nothing of it can run any more", () => {
    const { stage, lost } = partitioned();
    stage.accepted({ kind: "delete" });
    for (const { placementId } of Object.values(stage.state.placements)) if (placementId !== lost) stage.ended(placementId);
    expect(stage.state.mode).toBe("deleting");
    expect(awaitedWords(viewOf(stage), stage.nowMs)).toMatch(/^; 1 of 3 on n1, lost for 0s: may still run\. If n1 is gone for good/);
    stage.tell({ kind: "gone", node: "n1", placementIds: [lost] });
    expect(stage.state.mode).toBe("absent");
  });

  it("starts the successor of one that is to stop first only when that has ended, on whichever node", () => {
    const stage = running(1, { ...WAIT, rollout: { minHealthyMs: 1_000, maxSurge: 0 } });
    const [old = ""] = stage.active();
    stage.accepted(UPDATE);
    expect(stage.state.placements[old]?.desired).toBe("stopped");
    lose(stage, stage.nodeOf(old));
    stage.pass(30_000);
    expect(asked(stage)).toHaveLength(1);
    stage.ended(old);
    expect(asked(stage)).toHaveLength(2);
    stage.finish();
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", revision: 2 });
  });

  it("is never in two places where nothing may be one too many, not even to leave its node", () => {
    const stage = running(2, { ...WAIT, rollout: { minHealthyMs: 1_000, maxSurge: 0 } });
    const leaving = stage.active();
    for (const id of leaving) stage.tell({ kind: "evacuate", node: stage.nodeOf(id), placementIds: [id], reason: "it is being drained" });
    expect(asked(stage)).toHaveLength(2);
    const [first = "", ...others] = leaving.filter((id) => stage.state.placements[id]?.desired !== "running");
    expect(others).toEqual([]);
    stage.ended(first);
    expect(asked(stage)).toHaveLength(3);
    for (let round = 0; round < 4; round++) {
      stage.obey();
      stage.pass(1_000);
    }
    expect(stage.active().filter((id) => leaving.includes(id))).toEqual([]);
    expect(statusOf(stage.state).status).toBe("running");
  });

  it("evacuates nothing that may still run where nobody looks", () => {
    const { stage, lost } = partitioned();
    stage.tell({ kind: "evacuate", node: "n1", placementIds: [lost], reason: "n1 is being drained" });
    expect(asked(stage)).toHaveLength(3);
  });

  it("keeps the replica of a lost node where each node has one, instead of making it anew", () => {
    const stage = new Stage();
    stage.nodes("n1", "n2");
    stage.accepted({ kind: "create", template: templateOf("1", { mode: "global", ...WAIT }), platforms: [], replicas: 1 });
    stage.finish();
    const [lost = ""] = lose(stage, "n1");
    stage.nodes({ name: "n1", readiness: "unreachable", reason: "its agent is silent" }, "n2");
    expect(statusOf(stage.state)).toMatchObject({
      status: "degraded",
      reason: expect.stringMatching(/^1 of 2 nodes healthy; n1 is unreachable/),
    });
    stage.nodes("n1", "n2");
    stage.healthy(lost);
    expect(statusOf(stage.state).status).toBe("running");
    expect(stage.active()).toContain(lost);
    expect(asked(stage)).toHaveLength(2);
  });
});

it("without such a policy a replica is given up with its lost node, and stopped when that is back", () => {
  const stage = running();
  const [lost = ""] = lose(stage, "n1");
  expect(stage.active()).not.toContain(lost);
  expect(stage.active()).toHaveLength(3);
  expect(stage.messages().nodes).toContainEqual({ kind: "stop", placementIds: [lost] });
});

it("a scaling proves no revision that some replicas are not at", () => {
  const stage = running(2, { rollout: { minHealthyMs: 1_000, onFailure: "pause" } });
  stage.accepted(UPDATE);
  stage.placeAll();
  const fresh = stage.active().at(-1) ?? "";
  const failure = { code: "command.not-found", message: "no such command", permanent: true, atMs: stage.nowMs } as const;
  stage.observe(fresh, { phase: "backing-off", nextAttemptAtMs: stage.nowMs }, { failure });
  stage.accepted({ kind: "scale", replicas: 3 });
  stage.finish();
  expect(stage.state).toMatchObject({ rollout: { change: "scale" }, succeeded: 1 });
});
