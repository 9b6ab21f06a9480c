import { describe, expect, it } from "vitest";
import { statusOf } from "../../../actors/deployment/status.ts";
import { Stage, running, templateOf } from "./stage.ts";

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
