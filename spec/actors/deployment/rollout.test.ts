import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isRefusal } from "../../../runtime/refusal.ts";
import { statusOf } from "../../../actors/deployment/status.ts";
import { Stage, imageOf, templateOf } from "./stage.ts";

function running(replicas = 3, more: Readonly<Record<string, unknown>> = {}): Stage {
  const stage = new Stage();
  stage.accepted({ kind: "create", template: templateOf("1", more), platforms: [], replicas });
  stage.finish();
  return stage;
}

describe("creating", () => {
  it("asks for all replicas at once and succeeds when each was healthy for the minimum time", () => {
    const stage = new Stage();
    const reply = stage.accepted({ kind: "create", template: templateOf("1"), platforms: [], replicas: 3 });
    expect(reply).toMatchObject({ change: "created", generation: 1, revision: 1, rollout: 1 });
    expect(stage.messages().scheduler).toMatchObject([{ kind: "place", requests: [{ slot: 1 }, { slot: 2 }, { slot: 3 }] }]);
    stage.obey();
    expect(stage.state.rollout?.outcome).toBe("in-progress");
    stage.pass(1_000);
    expect(stage.state.rollout?.outcome).toBe("succeeded");
    expect(statusOf(stage.state)).toEqual({ status: "running", reason: "3 of 3 healthy" });
  });

  it("refuses a name that is taken, and nothing changes", () => {
    const stage = running();
    const before = stage.state;
    expect(stage.person({ kind: "create", template: templateOf("2"), platforms: [], replicas: 1 })).toMatchObject({
      code: "deployment.exists",
    });
    expect(stage.state).toBe(before);
  });

  it("succeeds at once with no replicas", () => {
    const stage = new Stage();
    stage.accepted({ kind: "create", template: templateOf("1"), platforms: [], replicas: 0 });
    expect(stage.state.rollout?.outcome).toBe("succeeded");
  });

  it("fails in words when the image does not exist, within the same decision", () => {
    const stage = new Stage();
    stage.accepted({ kind: "create", template: templateOf("1"), platforms: [], replicas: 1 });
    stage.placeAll();
    stage.observe(
      "web.1.1",
      { phase: "backing-off", nextAttemptAtMs: stage.nowMs + 1 },
      { failure: { code: "image.not-found", message: "no such image app:1", permanent: true, atMs: stage.nowMs } },
    );
    expect(stage.state.rollout).toMatchObject({ outcome: "failed", reason: expect.stringContaining("no such image app:1") as string });
    expect(statusOf(stage.state).status).toBe("failed");
  });

  it("says why a pending replica is pending, and fails when its deadline has passed", () => {
    const stage = new Stage();
    stage.accepted({ kind: "create", template: templateOf("1"), platforms: [], replicas: 1 });
    stage.tell({
      kind: "pending",
      placements: [
        { placementId: "web.1.1", rejections: [{ filter: "resources", nodes: ["n1"], reason: "n1 lacks memory", remedy: "Add a node." }] },
      ],
    });
    expect(statusOf(stage.state)).toMatchObject({ status: "scheduling", reason: expect.stringContaining("n1 lacks memory") as string });
    stage.pass(300_000);
    expect(stage.state.rollout).toMatchObject({ outcome: "failed", reason: expect.stringContaining("n1 lacks memory") as string });
    stage.obey();
    stage.pass(1_000);
    expect(stage.healthySlots()).toBe(1);
  });
});

describe("updating", () => {
  it("starts the new replica before it stops the old one, one at a time by default", () => {
    const stage = running();
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    expect(stage.active()).toHaveLength(4);
    stage.obey();
    expect(stage.active()).toHaveLength(4);
    stage.pass(1_000);
    expect(stage.active().length).toBeLessThanOrEqual(4);
    expect(stage.healthySlots()).toBe(3);
    stage.finish();
    expect(stage.state.rollout?.outcome).toBe("succeeded");
    expect(Object.values(stage.state.placements).every(({ contentOf }) => contentOf === 2)).toBe(true);
  });

  it("says how far it has come, not only that all is healthy meanwhile", () => {
    const stage = running(3);
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    expect(statusOf(stage.state).reason).toBe("update under way: 0 of 3 updated, 3 of 3 healthy");
    stage.obey();
    expect(statusOf(stage.state).reason).toBe("update under way: 0 of 3 updated, 3 of 3 healthy");
    stage.pass(1_000);
    expect(statusOf(stage.state).reason).toBe("update under way: 1 of 3 updated, 3 of 3 healthy");
  });

  it("gives its reason in one line, whatever a health check prints", () => {
    const stage = running(1);
    const [only = ""] = stage.active();
    const healthOutput = "no\r\n\tanswer ".repeat(300);
    stage.observe(only, {
      phase: "running",
      containerId: "c",
      startedAtMs: stage.nowMs,
      health: "unhealthy",
      healthSinceMs: stage.nowMs,
      healthOutput,
    });
    const { status, reason } = statusOf(stage.state);
    expect(status).toBe("degraded");
    expect(reason).toMatch(/^0 of 1 healthy; web\.1\.1: health check fails: no answer no answer .*…$/);
    expect(reason.length).toBeLessThan(500);
  });

  it("waits until a replica has proved itself before it stops another one, where one may be missing", () => {
    const stage = running(3, { rollout: { minHealthyMs: 1_000, maxSurge: 0, maxUnavailable: 1 } });
    const before = stage.active();
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    stage.placeAll();
    const fresh = stage.active().find((id) => !before.includes(id)) ?? "";
    stage.healthy(fresh);
    expect(before.filter((id) => stage.active().includes(id))).toHaveLength(2);
    stage.pass(1_000);
    expect(before.filter((id) => stage.active().includes(id))).toHaveLength(1);
  });

  it("has the nodes pull the new image while the first replica proves its health", () => {
    const stage = running();
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    expect(stage.messages().nodes.filter(({ kind }) => kind === "prefetch")).toHaveLength(3);
  });

  it("rolls back by itself when the new revision never becomes healthy, and the old replicas are never touched", () => {
    const stage = running();
    const before = stage.active();
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    stage.placeAll();
    const fresh = stage.active().find((id) => !before.includes(id)) ?? "";
    stage.observe(
      fresh,
      { phase: "backing-off", nextAttemptAtMs: stage.nowMs + 9 },
      { restarts: 3, failure: { code: "exited", message: "exited with code 3", permanent: false, atMs: stage.nowMs } },
    );
    expect(stage.state.rollout).toMatchObject({ change: "automatic-rollback", revision: 3 });
    expect(stage.audited.at(-1)).toBe("rollout.rolled-back");
    stage.finish();
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", cause: expect.stringContaining("exited with code 3") as string });
    expect(stage.active()).toEqual(before);
  });

  it("pauses instead when told so, and what still runs is left alone", () => {
    const stage = running(3, { rollout: { minHealthyMs: 1_000, onFailure: "pause" } });
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    stage.placeAll();
    const fresh = stage.active().at(-1) ?? "";
    stage.observe(
      fresh,
      { phase: "backing-off", nextAttemptAtMs: stage.nowMs },
      { failure: { code: "command.not-found", message: "no such command", permanent: true, atMs: stage.nowMs } },
    );
    expect(stage.state.rollout).toMatchObject({ outcome: "failed", change: "update" });
    expect(stage.healthySlots()).toBe(3);
    expect(statusOf(stage.state).status).toBe("failed");
  });

  it("is superseded by a newer update, which replaces what the first one had begun", () => {
    const stage = running();
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    stage.obey();
    stage.accepted({ kind: "update", patch: { image: "app:3" }, image: imageOf("3") });
    stage.finish();
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", revision: 3 });
    expect(Object.values(stage.state.placements).every(({ contentOf }) => contentOf === 3)).toBe(true);
  });

  it("stops the old replica first when both bind the same port of their node", () => {
    const stage = running(3, { ports: [{ containerPort: 80, publishedPort: 8080, mode: "host" }] });
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    expect(stage.active()).toHaveLength(3);
    expect(stage.healthySlots()).toBe(2);
    stage.finish();
    expect(stage.state.rollout?.outcome).toBe("succeeded");
  });

  it("changes nothing when nothing differs", () => {
    const stage = running();
    expect(stage.accepted({ kind: "apply", template: templateOf("1"), platforms: [], replicas: 3 })).toMatchObject({
      change: "unchanged",
      generation: 1,
      diff: [],
    });
    const moved = { ...templateOf("1"), image: { ...imageOf("1"), digest: `sha256:${"f".repeat(64)}` } };
    expect(stage.accepted({ kind: "apply", template: moved, platforms: [], replicas: 3 })).toMatchObject({ change: "unchanged" });
  });

  it("shows what differs field by field", () => {
    const stage = running(3, { environment: { A: "1", B: "2" } });
    const reply = stage.accepted({ kind: "update", patch: { environment: { A: null, B: "3" } } });
    expect(reply.diff).toEqual([
      { path: "environment.A", before: "1", after: undefined },
      { path: "environment.B", before: "2", after: "3" },
    ]);
  });

  it("refuses a change that was made on an older generation", () => {
    const stage = running();
    expect(stage.person({ kind: "scale", replicas: 5, ifGeneration: 7 })).toMatchObject({ code: "generation.mismatch", httpStatus: 412 });
  });

  it("never has fewer healthy replicas than the budget allows, for any budget and any order of events", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom(0, 1, 2, "25%", "50%"),
        fc.constantFrom(0, 1, 2, "25%", "50%"),
        fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 60 }),
        (replicas, maxSurge, maxUnavailable, order) => {
          const stage = running(replicas, { rollout: { minHealthyMs: 1_000, maxSurge, maxUnavailable } });
          const share = (value: number | string, round: (n: number) => number): number =>
            typeof value === "number" ? value : round((replicas * Number.parseInt(value, 10)) / 100);
          const allowed = share(maxUnavailable, Math.floor);
          const surge = share(maxSurge, Math.ceil);
          const floor = replicas - (allowed === 0 && surge === 0 ? 1 : allowed);
          stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
          for (const pick of order) {
            stage.placeAll();
            const waiting = Object.values(stage.state.placements).filter(
              ({ desired, healthySinceMs }) => desired === "stopped" || healthySinceMs === undefined,
            );
            const chosen = waiting[pick % Math.max(1, waiting.length)];
            if (chosen === undefined || pick === 7) stage.pass(500);
            else if (chosen.desired === "stopped") stage.ended(chosen.placementId);
            else stage.healthy(chosen.placementId);
            expect(stage.healthySlots()).toBeGreaterThanOrEqual(floor);
            expect(stage.active().length).toBeLessThanOrEqual(replicas + surge);
          }
          stage.finish();
          expect(stage.state.rollout?.outcome).toBe("succeeded");
          expect(stage.active()).toHaveLength(replicas);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("rolling back", () => {
  function threeRevisions(): Stage {
    const stage = running();
    for (const tag of ["2", "3"]) {
      stage.accepted({ kind: "update", patch: { image: `app:${tag}` }, image: imageOf(tag) });
      stage.finish();
    }
    return stage;
  }

  it("goes to any revision, as a new one with the old content", () => {
    const stage = threeRevisions();
    expect(stage.accepted({ kind: "rollback", to: 1 })).toMatchObject({
      revision: 4,
      diff: [{ path: "image.digest" }, { path: "image.reference" }],
    });
    stage.finish();
    expect(Object.values(stage.state.placements).every(({ contentOf }) => contentOf === 1)).toBe(true);
  });

  it("goes one further back with each rollback that names no revision", () => {
    const stage = threeRevisions();
    const contents = [0, 0].map(() => {
      stage.accepted({ kind: "rollback" });
      stage.finish();
      return Object.values(stage.state.placements)[0]?.contentOf;
    });
    expect(contents).toEqual([2, 1]);
    expect(stage.person({ kind: "rollback" })).toMatchObject({ code: "revision.none-earlier" });
  });

  it("refuses to go back to what runs already, and to what it does not know", () => {
    const stage = threeRevisions();
    expect(stage.person({ kind: "rollback", to: 3 })).toMatchObject({ code: "revision.current" });
    expect(stage.person({ kind: "rollback", to: 9 })).toMatchObject({ code: "revision.not-found" });
  });
});

describe("scaling, stopping, deleting", () => {
  it("adds and removes replicas without a new revision", () => {
    const stage = running();
    expect(stage.accepted({ kind: "scale", replicas: 5 })).toMatchObject({ revision: 1, generation: 2 });
    stage.finish();
    expect(stage.active()).toHaveLength(5);
    stage.accepted({ kind: "scale", replicas: 2 });
    expect(stage.active()).toHaveLength(2);
    stage.finish();
    expect(stage.state.rollout?.outcome).toBe("succeeded");
  });

  it("carries an update on with the new number", () => {
    const stage = running();
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    stage.accepted({ kind: "scale", replicas: 5 });
    stage.finish();
    expect(stage.state.rollout).toMatchObject({ change: "update", outcome: "succeeded" });
    expect(Object.values(stage.state.placements).filter(({ contentOf }) => contentOf === 2)).toHaveLength(5);
  });

  it("stops and starts", () => {
    const stage = running();
    stage.accepted({ kind: "stop" });
    expect(statusOf(stage.state).status).toBe("stopping");
    stage.finish();
    expect(statusOf(stage.state).status).toBe("stopped");
    expect(stage.state.rollout?.outcome).toBe("succeeded");
    stage.accepted({ kind: "start" });
    stage.finish();
    expect(stage.healthySlots()).toBe(3);
  });

  it("restarts as a new revision of the same content", () => {
    const stage = running();
    const before = new Set(stage.active());
    expect(stage.accepted({ kind: "restart" })).toMatchObject({ revision: 2 });
    stage.finish();
    expect(stage.active().some((id) => before.has(id))).toBe(false);
  });

  it("is gone once its replicas have stopped, and its name is free again", () => {
    const stage = running();
    stage.accepted({ kind: "delete" });
    expect(stage.person({ kind: "scale", replicas: 9 })).toMatchObject({ code: "deployment.deleting" });
    stage.finish();
    expect(stage.state.mode).toBe("absent");
    expect(isRefusal(stage.person({ kind: "scale", replicas: 9 }))).toBe(true);
    expect(stage.accepted({ kind: "create", template: templateOf("1"), platforms: [], replicas: 1 })).toMatchObject({ revision: 2 });
    stage.finish();
    expect(stage.person({ kind: "rollback" })).toMatchObject({ code: "revision.none-earlier" });
  });
});

describe("deleting with a replica on a node that is away", () => {
  it("is over when the replica is gone at last, however late", () => {
    const stage = running(2);
    const [first = "", second = ""] = stage.active();
    stage.accepted({ kind: "delete" });
    stage.ended(first);
    stage.pass(3_600_000);
    expect(stage.state.rollout).toMatchObject({ outcome: "failed", reason: "its replicas did not stop in time" });
    expect(stage.state.mode).toBe("deleting");
    stage.ended(second);
    expect(stage.state.mode).toBe("absent");
  });

  it("is over when the node is given up", () => {
    const stage = running(1);
    const [only = ""] = stage.active();
    stage.accepted({ kind: "delete" });
    stage.tell({ kind: "lost", node: stage.nodeOf(only), placementIds: [only] });
    expect(stage.state).toMatchObject({ mode: "absent", rollout: { outcome: "succeeded" } });
  });
});

describe("healing", () => {
  it("replaces what was lost with its node, once", () => {
    const stage = running();
    const [lost = ""] = stage.active();
    stage.tell({ kind: "lost", node: stage.nodeOf(lost), placementIds: [lost] });
    stage.tell({ kind: "lost", node: "n1", placementIds: [lost] });
    expect(stage.active()).toHaveLength(3);
    stage.obey();
    expect(statusOf(stage.state).status).toBe("running");
  });

  it("replaces what is evacuated before it stops it", () => {
    const stage = running();
    const [leaving = ""] = stage.active();
    stage.tell({ kind: "evacuate", node: stage.nodeOf(leaving), placementIds: [leaving], reason: "n1 is being drained" });
    expect(stage.active()).toContain(leaving);
    expect(stage.active()).toHaveLength(4);
    stage.obey();
    stage.pass(1_000);
    expect(stage.active()).not.toContain(leaving);
    expect(stage.healthySlots()).toBe(3);
  });

  it("keeps what may stay after all, and gives up its replacement", () => {
    const stage = running();
    const before = stage.active();
    const [leaving = ""] = before;
    stage.tell({ kind: "evacuate", node: stage.nodeOf(leaving), placementIds: [leaving], reason: "n1 is being drained" });
    expect(stage.active()).toHaveLength(4);
    stage.tell({ kind: "stay", node: stage.nodeOf(leaving), placementIds: [leaving] });
    expect(stage.active()).toEqual(before);
    expect(stage.messages().scheduler.at(-1)).toMatchObject({ kind: "release" });
  });

  it("keeps a replica that binds a port of its drained node until its successor serves on another", () => {
    const stage = running(1, { ports: [{ containerPort: 80, publishedPort: 8080, mode: "host" }] });
    const [leaving = ""] = stage.active();
    stage.tell({ kind: "evacuate", node: stage.nodeOf(leaving), placementIds: [leaving], reason: "n1 is being drained" });
    stage.pass(60_000);
    expect(stage.active()).toContain(leaving);
    expect(stage.healthySlots()).toBe(1);
    stage.obey();
    stage.pass(1_000);
    expect(stage.active()).not.toContain(leaving);
    expect(stage.healthySlots()).toBe(1);
  });

  it("tries another node when the trouble is the node's, and keeps the evidence", () => {
    const stage = running(1);
    const [stuck = ""] = stage.active();
    stage.observe(
      stuck,
      { phase: "backing-off", nextAttemptAtMs: stage.nowMs },
      { attempt: 4, restarts: 3, failure: { code: "disk.full", message: "the disk of n2 is full", permanent: false, atMs: stage.nowMs } },
    );
    expect(stage.active()).not.toContain(stuck);
    stage.ended(stuck);
    stage.pass(5_000);
    expect(stage.active()).toHaveLength(1);
    const place = stage.messages().scheduler.findLast(({ kind }) => kind === "place");
    expect(place).toMatchObject({ requests: [{ avoid: [expect.any(String)] }] });
    expect(stage.state.remains).toMatchObject([{ placementId: stuck }]);
  });

  it("knows a degraded deployment from a running one", () => {
    const stage = running();
    const [first = ""] = stage.active();
    stage.observe(
      first,
      { phase: "backing-off", nextAttemptAtMs: stage.nowMs + 1_000 },
      { restarts: 1, failure: { code: "exited", message: "exited with code 1", permanent: false, atMs: stage.nowMs } },
    );
    expect(statusOf(stage.state)).toMatchObject({ status: "degraded", reason: expect.stringContaining("exited with code 1") as string });
  });
});
