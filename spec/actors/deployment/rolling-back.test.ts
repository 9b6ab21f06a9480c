import { describe, expect, it } from "vitest";
import { Stage, imageOf, running, templateOf } from "./stage.ts";

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

  it("has a budget and a pause of its own, by whomever it was begun", () => {
    const rollback = { maxSurge: 0, maxUnavailable: 2, delayMs: 5_000 };
    const stage = running(4, { rollout: { minHealthyMs: 1_000, rollback } });
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    expect([stage.healthySlots(), stage.active().length]).toEqual([4, 5]);
    stage.finish();
    stage.accepted({ kind: "rollback" });
    expect([stage.healthySlots(), stage.active().length]).toEqual([2, 4]);
    for (let round = 0; round < 3; round++) stage.obey();
    stage.pass(5_999);
    expect([stage.healthySlots(), stage.active().length]).toEqual([4, 4]);
    stage.pass(1);
    expect([stage.healthySlots(), stage.active().length]).toEqual([2, 4]);
    stage.finish();
    expect(Object.values(stage.state.placements).every(({ contentOf }) => contentOf === 1)).toBe(true);
  });

  describe("by itself", () => {
    const failing = (stage: Stage, placementId: string, restarts: number, permanent = false): void =>
      stage.observe(
        placementId,
        { phase: "backing-off", nextAttemptAtMs: stage.nowMs + 9 },
        { restarts, failure: { code: permanent ? "image.not-found" : "exited", message: `end ${restarts}`, permanent, atMs: stage.nowMs } },
      );

    /** On n1, which is cordoned while the update fails on another node, a replica of the old revision has failed for reasons of its own. */
    function wayBackBeside(permanent: boolean): { readonly stage: Stage; readonly troubled: string } {
      const stage = new Stage();
      stage.nodes("n1", "n2", "n3");
      const rollout = { minHealthyMs: 1_000, maxSurge: 0 };
      stage.accepted({ kind: "create", template: templateOf("1", { mode: "global", rollout }), platforms: [], replicas: 1 });
      stage.finish();
      const troubled = stage.active().find((id) => stage.nodeOf(id) === "n1") ?? "";
      stage.nodes({ name: "n1", readiness: "cordoned", reason: "" }, "n2", "n3");
      failing(stage, troubled, 3, permanent);
      stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
      for (const { placementId, desired } of Object.values(stage.state.placements)) if (desired === "stopped") stage.ended(placementId);
      stage.placeAll();
      failing(stage, stage.active().find((id) => stage.state.placements[id]?.contentOf === 2) ?? "", 3);
      stage.nodes("n1", "n2", "n3");
      expect(stage.state.rollout).toMatchObject({ change: "automatic-rollback", outcome: "in-progress" });
      return { stage, troubled };
    }

    it("does not fail for what a replica had failed at before it began", () => {
      const { stage, troubled } = wayBackBeside(false);
      failing(stage, troubled, 5);
      expect(stage.state.rollout?.outcome).toBe("in-progress");
      failing(stage, troubled, 6);
      expect(stage.state.rollout).toMatchObject({
        change: "automatic-rollback",
        outcome: "failed",
        reason: expect.stringMatching(/failed 3 times .*end 6/),
      });
    });

    it("tries again what had ended for good before the update", () => {
      const stage = running(2, { restart: { condition: "none" } });
      const [ended = ""] = stage.active();
      stage.observe(ended, { phase: "ended", outcome: "failed" });
      stage.ended(ended);
      stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
      stage.placeAll();
      const slotOf = (id: string) => stage.state.placements[id]?.slot;
      const isNew = (id: string) => stage.state.placements[id]?.contentOf === 2;
      const slot = stage.state.slots[1]?.ended === undefined ? 2 : 1;
      for (const id of stage.active()) if (isNew(id) && slotOf(id) === slot) stage.healthy(id);
      stage.pass(5_000);
      stage.placeAll();
      stage.observe(stage.active().find((id) => isNew(id) && slotOf(id) !== slot) ?? "", { phase: "ended", outcome: "failed" });
      expect(stage.state.rollout).toMatchObject({ change: "automatic-rollback", outcome: "in-progress" });
      stage.finish();
      expect(stage.state.rollout).toMatchObject({ change: "automatic-rollback", outcome: "succeeded" });
      expect(stage.healthySlots()).toBe(2);
    });

    it("fails at once for what is hopeless, when that is tried again in vain", () => {
      const { stage, troubled } = wayBackBeside(true);
      stage.pass(1_000);
      failing(stage, troubled, 4, true);
      expect(stage.state.rollout).toMatchObject({ change: "automatic-rollback", outcome: "failed" });
    });
  });

  it("refuses to go back to what runs already, and to what it does not know", () => {
    const stage = threeRevisions();
    expect(stage.person({ kind: "rollback", to: 3 })).toMatchObject({ code: "revision.current" });
    expect(stage.person({ kind: "rollback", to: 9 })).toMatchObject({ code: "revision.not-found" });
  });
});
