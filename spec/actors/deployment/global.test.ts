import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { excuseOf } from "../../../actors/deployment/excuses.ts";
import { wantedSlots } from "../../../actors/deployment/global.ts";
import { slotViews } from "../../../actors/deployment/slot-views.ts";
import { statusOf } from "../../../actors/deployment/status.ts";
import type { FittingNode } from "../../../actors/scheduler/contract.ts";
import { Stage, templateOf } from "./stage.ts";

const GLOBAL = { mode: "global" } as const;

function created(nodes: readonly (string | FittingNode)[], more: Readonly<Record<string, unknown>> = {}): Stage {
  const stage = new Stage();
  stage.accepted({ kind: "create", template: templateOf("1", { ...GLOBAL, ...more }), platforms: [], replicas: 1 });
  stage.nodes(...nodes);
  return stage;
}

function onNodes(nodes: readonly string[], more: Readonly<Record<string, unknown>> = {}): Stage {
  const stage = created(nodes, more);
  stage.finish();
  return stage;
}

const cordoned = (name: string): FittingNode => ({ name, readiness: "cordoned", reason: "" });
const draining = (name: string): FittingNode => ({ name, readiness: "draining", reason: "" });
const silent = (name: string): FittingNode => ({ name, readiness: "unreachable", reason: "its agent is silent" });

/** By node: the placements that are to run there, with the content they run. */
function running(stage: Stage): Readonly<Record<string, readonly number[]>> {
  const active = Object.values(stage.state.placements).filter(({ desired, stage: at }) => desired === "running" && at.stage === "assigned");
  const groups = Map.groupBy(active, ({ placementId }) => stage.nodeOf(placementId));
  return Object.fromEntries([...groups].map(([node, group]) => [node, group.map(({ contentOf }) => contentOf)]));
}

/** As its node actor and the scheduler tell it. */
function lose(stage: Stage, node: string, others: readonly string[]): void {
  const placementIds = Object.keys(stage.state.placements).filter((id) => stage.nodeOf(id) === node);
  stage.tell({ kind: "lost", node, placementIds });
  stage.nodes(...others, silent(node));
}

describe("a deployment on every node that fits", () => {
  it("asks for nothing before it knows the nodes, then for one replica on each, pinned there", () => {
    const stage = new Stage();
    stage.accepted({ kind: "create", template: templateOf("1", GLOBAL), platforms: [], replicas: 1 });
    expect(stage.messages().scheduler).toEqual([expect.objectContaining({ kind: "follow-nodes", deployment: "web", revision: 1 })]);
    stage.nodes("n1", "n2");
    expect(stage.messages().scheduler[1]).toMatchObject({
      kind: "place",
      requests: [
        { node: "n1", beside: 0, requirements: { maxPerNode: 1 } },
        { node: "n2", beside: 0, requirements: { maxPerNode: 1 } },
      ],
    });
    stage.finish();
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", reason: undefined });
    expect(statusOf(stage.state)).toEqual({ status: "running", reason: "2 of 2 nodes healthy" });
  });

  it("has no number of replicas: giving or scaling one is refused with what to do", () => {
    const stage = new Stage();
    expect(stage.person({ kind: "create", template: templateOf("1", GLOBAL), platforms: [], replicas: 3 })).toMatchObject({
      code: "deployment.invalid",
      message: expect.stringMatching(/replicas: one that is global has a replica on every node that fits: leave the number out/),
    });
    const other = onNodes(["n1"]);
    expect(other.person({ kind: "scale", replicas: 3 })).toMatchObject({ code: "deployment.global" });
    expect(other.person({ kind: "update", patch: { together: "shop" } })).toMatchObject({ code: "deployment.invalid" });
  });

  it("follows the nodes: one that comes gets a replica, one that goes loses it, and a number is used again", () => {
    const stage = onNodes(["n1", "n2"]);
    stage.nodes("n1", "n2", "n3");
    stage.obey();
    stage.obey();
    expect(Object.keys(running(stage))).toEqual(["n1", "n2", "n3"]);
    stage.nodes("n1", "n3");
    stage.obey();
    stage.obey();
    expect(Object.keys(running(stage))).toEqual(["n1", "n3"]);
    stage.nodes("n1", "n3", "n4");
    expect(stage.state.slots[2]).toMatchObject({ node: "n4" });
    expect(stage.state.rollout?.outcome).toBe("succeeded");
  });

  it("believes no list that is older than the one it has, and none for another revision", () => {
    const stage = onNodes(["n1", "n2"]);
    const list = { kind: "nodes-fit", revision: 1, number: 1, nodes: [], rejections: [] } as const;
    stage.tell(list);
    stage.tell({ ...list, revision: 7, number: 9 });
    expect(wantedSlots(stage.state)).toEqual([1, 2]);
  });

  it("keeps what runs on a cordoned node, and starts nothing new there", () => {
    const stage = onNodes(["n1", "n2"]);
    stage.nodes("n1", cordoned("n2"), cordoned("n3"));
    expect(Object.keys(running(stage))).toEqual(["n1", "n2"]);
    stage.accepted({ kind: "update", patch: { labels: { a: "b" } } });
    stage.finish();
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", reason: "n2 is cordoned" });
    expect(running(stage)).toEqual({ n1: [2], n2: [1] });
    expect(statusOf(stage.state).reason).toBe("2 of 2 nodes healthy; n2 stays at revision 1 while n2 is cordoned");
  });

  it("brings a node that was left out to the newest revision once it takes replicas", () => {
    const stage = onNodes(["n1", "n2"]);
    stage.nodes("n1", cordoned("n2"));
    stage.accepted({ kind: "update", patch: { labels: { a: "b" } } });
    stage.finish();
    stage.nodes("n1", "n2");
    for (let round = 0; round < 5; round++) {
      stage.obey();
      stage.pass(1_000);
    }
    expect(running(stage)).toEqual({ n1: [2], n2: [2] });
    expect(stage.state.rollout?.id).toBe(2);
  });

  it("is not moved off a node that drains: its replica there stops, and comes back with the node", () => {
    const stage = onNodes(["n1", "n2"]);
    stage.tell({ kind: "evacuate", node: "n2", placementIds: ["web.2.2"], reason: "n2 is being drained" });
    expect(stage.active()).toEqual(["web.1.1", "web.2.2"]);
    stage.nodes("n1", draining("n2"));
    expect(stage.active()).toEqual(["web.1.1"]);
    stage.obey();
    expect(statusOf(stage.state)).toEqual({ status: "running", reason: "1 of 1 node healthy" });
    stage.nodes("n1", "n2");
    stage.obey();
    stage.obey();
    expect(Object.keys(running(stage))).toEqual(["n1", "n2"]);
  });

  it("counts a lost node and says so, places nothing in its stead, and returns to it", () => {
    const stage = onNodes(["n1", "n2", "n3"]);
    lose(stage, "n3", ["n1", "n2"]);
    expect(statusOf(stage.state)).toEqual({
      status: "degraded",
      reason: "2 of 3 nodes healthy; n3 is unreachable (its agent is silent)",
    });
    expect(stage.active()).toHaveLength(2);
    stage.nodes("n1", "n2", "n3");
    stage.obey();
    stage.obey();
    expect(statusOf(stage.state).reason).toBe("3 of 3 nodes healthy");
    stage.nodes("n1", "n2");
    expect(statusOf(stage.state).reason).toBe("2 of 2 nodes healthy");
  });
});

describe("a rollout over all nodes", () => {
  it("goes node by node, new before old, within the budget", () => {
    const stage = onNodes(["n1", "n2", "n3"]);
    stage.accepted({ kind: "update", patch: { labels: { a: "b" } } });
    for (let round = 0; round < 60 && stage.state.rollout?.outcome === "in-progress"; round++) {
      expect(stage.healthySlots()).toBe(3);
      expect(stage.active().length).toBeLessThanOrEqual(4);
      stage.obey();
      stage.pass(500);
    }
    expect(running(stage)).toEqual({ n1: [2], n2: [2], n3: [2] });
  });

  it("stops the old replica first where both would bind the port of their node, one node at a time", () => {
    const ports = [{ containerPort: 80, publishedPort: 80, mode: "host" }];
    const stage = onNodes(["n1", "n2", "n3"], { ports, rollout: { minHealthyMs: 1_000, maxSurge: 2 } });
    stage.accepted({ kind: "update", patch: { labels: { a: "b" } } });
    stage.nodes("n1", "n2", "n3");
    for (let round = 0; round < 60 && stage.state.rollout?.outcome === "in-progress"; round++) {
      expect(stage.healthySlots()).toBeGreaterThanOrEqual(2);
      expect(stage.active().length).toBeLessThanOrEqual(3);
      stage.obey();
      stage.pass(500);
    }
    expect(stage.state.rollout?.outcome).toBe("succeeded");
  });

  it("ends without a node that goes away half way, and says so", () => {
    const stage = onNodes(["n1", "n2", "n3"]);
    stage.accepted({ kind: "update", patch: { labels: { a: "b" } } });
    stage.obey();
    lose(stage, "n3", ["n1", "n2"]);
    stage.finish();
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", reason: "n3 is unreachable (its agent is silent)" });
    expect(running(stage)).toEqual({ n1: [2], n2: [2] });
    stage.nodes("n1", "n2", "n3");
    stage.obey();
    expect(running(stage)).toMatchObject({ n3: [2] });
  });

  it("does without a node that never had room, after the time a replica has to find one", () => {
    const stage = created(["n1", "n2"], { rollout: { minHealthyMs: 1_000, placeDeadlineMs: 20_000 } });
    stage.full.add("n2");
    stage.finish();
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", reason: "n2: n2 lacks memory" });
    expect(statusOf(stage.state)).toEqual({ status: "degraded", reason: "1 of 2 nodes healthy; web.2.2: n2 lacks memory" });
    stage.full.delete("n2");
    stage.obey();
    stage.obey();
    expect(statusOf(stage.state).status).toBe("running");
  });

  it("fails when a node that had a replica cannot have the new one, and goes back", () => {
    const rollout = { minHealthyMs: 1_000, placeDeadlineMs: 20_000, maxSurge: 0, maxUnavailable: 1 };
    const stage = onNodes(["n1", "n2"], { rollout });
    stage.full.add("n1");
    stage.accepted({ kind: "update", patch: { labels: { a: "b" } } });
    for (let round = 0; round < 30; round++) {
      stage.obey();
      stage.pass(1_000);
    }
    expect(stage.state.rollout).toMatchObject({
      change: "automatic-rollback",
      cause: expect.stringMatching(/no node could take it.*n1 lacks memory/),
    });
    stage.full.clear();
    stage.finish();
    expect(stage.state.rollout?.outcome).toBe("succeeded");
    expect(running(stage)).toEqual({ n1: [1], n2: [1] });
  });

  it("on its way back, counts a node where the newer revision could not start among those that are missed", () => {
    const ports = [{ containerPort: 80, publishedPort: 80, mode: "host" }];
    const stage = onNodes(["n1", "n2", "n3"], { ports });
    stage.accepted({ kind: "update", patch: { labels: { a: "b" } } });
    stage.full.add("n3");
    for (let round = 0; round < 20; round++) {
      stage.obey();
      stage.pass(1_000);
    }
    stage.full.delete("n3");
    stage.placeAll();
    const on = (node: string): string => stage.active().find((id) => stage.nodeOf(id) === node) ?? "";
    stage.observe(on("n1"), { phase: "backing-off", nextAttemptAtMs: stage.nowMs });
    stage.healthy(on("n1"));
    const failure = { code: "disk.full", permanent: false, message: "The node's disk is full.", atMs: stage.nowMs } as const;
    stage.observe(on("n3"), { phase: "backing-off", nextAttemptAtMs: stage.nowMs }, { restarts: 3, failure });
    expect(stage.state.rollout?.change).toBe("automatic-rollback");
    stage.nodes("n1", "n2", "n3");
    expect(stage.healthySlots()).toBe(2);
    stage.finish();
    expect(running(stage)).toEqual({ n1: [1], n2: [1], n3: [1] });
  });

  it("fails on a replica that cannot become healthy, as any rollout does", () => {
    const stage = onNodes(["n1", "n2"]);
    stage.accepted({ kind: "update", patch: { labels: { a: "b" } } });
    stage.placeAll();
    const fresh = stage.active().at(-1) ?? "";
    const failure = { code: "image.not-found", message: "there is no such image", permanent: true, atMs: stage.nowMs } as const;
    stage.observe(fresh, { phase: "backing-off", nextAttemptAtMs: stage.nowMs + 1_000 }, { failure, restarts: 1 });
    expect(stage.state.rollout).toMatchObject({ change: "automatic-rollback" });
    stage.finish();
    expect(running(stage)).toEqual({ n1: [1], n2: [1] });
  });

  it("succeeds where no node fits and says why; a node that fits later gets its replica", () => {
    const stage = new Stage();
    stage.rejections = [{ filter: "constraints", nodes: ["n1"], reason: "n1 does not meet gpu exists", remedy: "Label a node." }];
    stage.accepted({ kind: "create", template: templateOf("1", GLOBAL), platforms: [], replicas: 1 });
    stage.finish();
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", reason: "no node fits: n1 does not meet gpu exists" });
    expect(statusOf(stage.state).reason).toBe("0 of 0 nodes healthy; no node fits: n1 does not meet gpu exists");
    stage.nodes("n1");
    stage.obey();
    stage.obey();
    expect(running(stage)).toEqual({ n1: [1] });
  });

  it("fails when nodes fit and none of them takes it in time", () => {
    const stage = created([cordoned("n1"), silent("n2")], { rollout: { placeDeadlineMs: 20_000 } });
    stage.pass(30_000);
    expect(stage.state.rollout).toMatchObject({
      outcome: "failed",
      reason: "no node took it within 20 s: n1 is cordoned; n2 is unreachable (its agent is silent)",
    });
  });
});

describe("a change between a number of replicas and every node", () => {
  it("is a revision, keeps what stands on a node as that node's, and never serves with less", () => {
    const stage = new Stage();
    stage.accepted({ kind: "create", template: templateOf("1"), platforms: [], replicas: 2 });
    stage.finish();
    const { diff } = stage.accepted({ kind: "update", patch: GLOBAL });
    expect(diff).toEqual([
      { path: "mode", before: "replicated", after: "global" },
      { path: "replicas", before: 2, after: undefined },
    ]);
    stage.nodes("n1", "n2", "n3");
    expect(wantedSlots(stage.state).map((slot) => stage.state.slots[slot]?.node)).toEqual(["n2", "n3", "n1"]);
    for (let round = 0; round < 60 && stage.state.rollout?.outcome === "in-progress"; round++) {
      expect(stage.healthySlots()).toBeGreaterThanOrEqual(2);
      stage.obey();
      stage.pass(500);
    }
    expect(running(stage)).toEqual({ n1: [2], n2: [2], n3: [2] });
    stage.accepted({ kind: "update", patch: { mode: "replicated" }, replicas: 2 });
    stage.finish();
    expect(Object.values(running(stage)).flat()).toEqual([3, 3]);
    expect(Object.values(stage.state.slots).map(({ node }) => node)).toEqual([undefined, undefined]);
    expect(stage.messages().scheduler).toContainEqual({ kind: "unfollow-nodes", deployment: "web" });
  });

  it("goes all the way back when it fails", () => {
    const stage = new Stage();
    stage.accepted({ kind: "create", template: templateOf("1"), platforms: [], replicas: 3 });
    stage.finish();
    stage.accepted({ kind: "update", patch: { ...GLOBAL, labels: { a: "b" }, rollout: { healthyDeadlineMs: 5_000 } } });
    stage.nodes("n1", "n2", "n3", "n4");
    stage.placeAll();
    for (const placementId of stage.active()) if (stage.state.placements[placementId]?.contentOf === 2) stage.unhealthy(placementId);
    stage.pass(6_000);
    expect(stage.state.rollout).toMatchObject({ change: "automatic-rollback" });
    stage.finish();
    expect(Object.values(running(stage)).flat()).toEqual([1, 1, 1]);
  });
});

describe("a change to a number of replicas while one to every node is under way", () => {
  it("keeps as many as are to serve, and does not count those that it stops anyway", () => {
    const stage = new Stage();
    const oldFirst = { rollout: { maxSurge: 0, maxUnavailable: 1 } };
    stage.accepted({ kind: "create", template: templateOf("1", oldFirst), platforms: [], replicas: 2 });
    stage.finish();
    stage.accepted({ kind: "update", patch: { mode: "global" } });
    stage.nodes("n1", "n2", "n3", "n4");
    stage.placeAll();
    for (const placementId of stage.active()) stage.healthy(placementId);
    stage.pass(60_000);
    expect(stage.state.placements).toMatchObject({ "web.1.1": { desired: "stopped" }, "web.2.2": { desired: "running" } });
    stage.accepted({ kind: "apply", template: templateOf("2"), platforms: [], replicas: 1 });
    expect(stage.state.placements).toMatchObject({ "web.2.2": { desired: "stopped" } });
    expect(stage.healthySlots()).toBe(1);
    stage.finish();
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded" });
  });
});

describe("a job on every node", () => {
  it("is done once on each, also on nodes that come later, and not again where it is done", () => {
    const stage = created(["n1", "n2"], { run: "job", restart: { condition: "on-failure" } });
    const complete = (): void => {
      stage.placeAll();
      for (const placementId of stage.active()) stage.observe(placementId, { phase: "ended", outcome: "succeeded" });
      for (const { placementId, desired } of Object.values(stage.state.placements)) if (desired === "stopped") stage.ended(placementId);
    };
    complete();
    expect(statusOf(stage.state)).toEqual({ status: "completed", reason: "2 of 2 nodes completed" });
    expect(stage.state.rollout?.outcome).toBe("succeeded");
    stage.nodes("n1", draining("n2"), "n3");
    complete();
    stage.nodes("n1", "n2", "n3");
    complete();
    expect(stage.state.nextSequence).toBe(4);
    expect(statusOf(stage.state).reason).toBe("3 of 3 nodes completed");
  });

  it("that goes on and on is waited for by nobody when it is to run a number of times instead", () => {
    const job = { run: "job", restart: { condition: "on-failure" } };
    const stage = created(["n1", "n2", "n3"], job);
    stage.obey();
    stage.accepted({ kind: "apply", template: templateOf("2", job), platforms: [], replicas: 1 });
    stage.obey();
    const current = stage.active().filter((placementId) => stage.state.placements[placementId]?.contentOf === 2);
    expect(current).toHaveLength(1);
    for (const placementId of current) stage.observe(placementId, { phase: "ended", outcome: "succeeded" });
    stage.obey();
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded" });
    expect(stage.active()).toEqual([]);
  });
});

describe("whatever happens to the nodes", () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("nodes" as const),
        states: fc.array(fc.constantFrom("ready", "gone", "cordoned", "draining", "unreachable"), { minLength: 4, maxLength: 4 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("update" as const), value: fc.nat(99) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("obey" as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 100, max: 90_000 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("mode" as const), mode: fc.constantFrom("global", "replicated") }) },
  );

  it("no node ever has two slots, and in the end each that fits has one healthy replica of the newest revision", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const stage = onNodes(["n1", "n2", "n3", "n4"]);
        for (const each of steps) {
          take(stage, each);
          const nodes = wantedSlots(stage.state).flatMap((slot) => stage.state.slots[slot]?.node ?? []);
          expect(new Set(nodes).size).toBe(nodes.length);
        }
        stage.accepted({ kind: "update", patch: { ...GLOBAL, labels: { last: "one" } } });
        stage.nodes("n1", "n2", "n3", "n4");
        stage.finish();
        expect(stage.state.rollout?.outcome).toBe("succeeded");
        const content = stage.state.revision;
        expect(running(stage)).toEqual({ n1: [content], n2: [content], n3: [content], n4: [content] });
        expect(slotViews(stage.state).flatMap((view) => excuseOf(stage.state, view, stage.nowMs) ?? [])).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  function take(stage: Stage, each: typeof step extends fc.Arbitrary<infer Step> ? Step : never): void {
    switch (each.kind) {
      case "nodes": {
        const nodes = each.states.flatMap((readiness, index): readonly FittingNode[] => {
          const name = `n${index + 1}`;
          if (readiness === "unreachable" || readiness === "gone") forget(stage, name);
          return readiness === "gone" ? [] : [{ name, readiness, reason: "" }];
        });
        stage.nodes(...nodes);
        return;
      }
      case "update":
        stage.accepted({ kind: "update", patch: { labels: { n: String(each.value) } } });
        return;
      case "mode":
        stage.accepted({ kind: "update", patch: { mode: each.mode } });
        return;
      case "obey":
        stage.obey();
        return;
      case "pass":
        stage.pass(each.ms);
        return;
    }
  }

  function forget(stage: Stage, node: string): void {
    const placementIds = Object.values(stage.state.placements).flatMap(({ placementId, stage: at }) =>
      at.stage === "assigned" && at.node === node ? [placementId] : [],
    );
    if (placementIds.length > 0) stage.tell({ kind: "lost", node, placementIds });
  }
});
