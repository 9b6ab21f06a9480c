import { describe, expect, it } from "vitest";
import { type Stage, imageOf, running } from "./stage.ts";

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

  it("refuses to go back to what runs already, and to what it does not know", () => {
    const stage = threeRevisions();
    expect(stage.person({ kind: "rollback", to: 3 })).toMatchObject({ code: "revision.current" });
    expect(stage.person({ kind: "rollback", to: 9 })).toMatchObject({ code: "revision.not-found" });
  });
});
