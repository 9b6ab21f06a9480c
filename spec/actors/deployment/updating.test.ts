import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextStepMs } from "../../../actors/deployment/next-step.ts";
import { statusOf } from "../../../actors/deployment/status.ts";
import { imageOf, running, templateOf } from "./stage.ts";

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

  it("pauses for as long as it is told after each replica that counts, and for nobody who has to leave its node", () => {
    const stage = running(4, { rollout: { minHealthyMs: 1_000, delayMs: 10_000 } });
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    const begun = (): number => Object.values(stage.state.placements).filter(({ contentOf }) => contentOf === 2).length;
    stage.obey();
    stage.pass(1_000);
    expect(begun()).toBe(1);
    const next = nextStepMs(stage.state, stage.nowMs);
    stage.obey();
    expect(next).toBe(stage.nowMs + 10_000);
    stage.pass(9_999);
    expect(begun()).toBe(1);
    stage.pass(1);
    expect(begun()).toBe(2);
    stage.obey();
    stage.pass(1_000);
    const [old = ""] = stage.active().filter((id) => stage.state.placements[id]?.contentOf === 1);
    stage.tell({ kind: "evacuate", node: stage.nodeOf(old), placementIds: [old], reason: "n1 is being drained" });
    expect(begun()).toBe(3);
    stage.finish();
    expect(stage.state.rollout?.outcome).toBe("succeeded");
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
    expect(stage.audited.slice(-2), "the way back took no time, and is told, too").toEqual(["rollout.rolled-back", "rollout.succeeded"]);
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

  it("is superseded at once also when what the first one had begun never becomes healthy", () => {
    const stage = running();
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    stage.placeAll();
    const [begun = ""] = stage.active().filter((id) => stage.state.placements[id]?.contentOf === 2);
    stage.unhealthy(begun);
    stage.accepted({ kind: "update", patch: { image: "app:3" }, image: imageOf("3") });
    expect(stage.active()).not.toContain(begun);
    expect(stage.active().filter((id) => stage.state.placements[id]?.contentOf === 3)).toHaveLength(1);
    expect(stage.healthySlots()).toBe(3);
    stage.finish();
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", revision: 3 });
  });

  it("is superseded while neither of two replicas has proved itself by keeping the one whose revision has, also where that is to leave its node", () => {
    const stage = running();
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    stage.placeAll();
    const [begun = ""] = stage.active().filter((id) => stage.state.placements[id]?.contentOf === 2);
    const slot = stage.state.placements[begun]?.slot;
    const [old = ""] = stage.active().filter((id) => id !== begun && stage.state.placements[id]?.slot === slot);
    stage.pass(2_000);
    stage.healthy(begun);
    stage.observe(old, { ...stage.running(old), health: "healthy" }, { attempt: 2 });
    stage.tell({ kind: "evacuate", node: stage.nodeOf(old), placementIds: [old], reason: "n1 is being drained" });
    stage.accepted({ kind: "update", patch: { image: "app:3" }, image: imageOf("3") });
    expect(stage.active()).toContain(old);
    expect(stage.active()).not.toContain(begun);
    stage.finish();
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", revision: 3 });
  });

  it("stops the old replica first when both bind the same port of their node", () => {
    const stage = running(3, { ports: [{ containerPort: 80, publishedPort: 8080, mode: "host" }] });
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    expect(stage.active()).toHaveLength(3);
    expect(stage.healthySlots()).toBe(2);
    stage.finish();
    expect(stage.state.rollout?.outcome).toBe("succeeded");
  });

  it("starts no successor beside a replica that is to stop first, not even in the place of one that is missing", () => {
    const stage = running(3, { mounts: [{ kind: "volume", name: "data", target: "/data" }] });
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    stage.obey();
    stage.placeAll();
    const [first = ""] = stage.active().filter((id) => stage.state.placements[id]?.contentOf === 2);
    const failure = { code: "disk.full", permanent: false, message: "The node's disk is full.", atMs: stage.nowMs } as const;
    stage.observe(first, { phase: "backing-off", nextAttemptAtMs: stage.nowMs }, { failure, restarts: 3 });
    for (const { slot } of Object.values(stage.state.placements).filter(({ desired }) => desired === "running"))
      expect(stage.active().filter((id) => stage.state.placements[id]?.slot === slot)).toHaveLength(1);
  });

  it("asks for the next one that writes to a volume only beside nobody, unless it is to come first", () => {
    const data = { kind: "volume", name: "data", target: "/data" };
    const besides = (more: Readonly<Record<string, unknown>>): readonly unknown[] => {
      const stage = running(1, { mounts: [data], ...more });
      stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
      return stage
        .messages()
        .scheduler.flatMap((message) => (message.kind === "place" ? message.requests.map(({ beside }) => beside) : []));
    };
    expect(besides({})).toEqual([0, 0]);
    expect(besides({ rollout: { maxSurge: 1 } })).toEqual([0, 1]);
    expect(besides({ mounts: [{ ...data, readOnly: true }] })).toEqual([undefined, undefined]);
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
