import { describe, expect, it } from "vitest";
import { isRefusal } from "../../../runtime/refusal.ts";
import { statusOf } from "../../../actors/deployment/status.ts";
import { imageOf, running, templateOf } from "./stage.ts";

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
