import { describe, expect, test } from "vitest";
import { member, StackStage } from "./stage.ts";

describe("a member that is a job", () => {
  const init = member("init", "1", [], { run: "job", restart: { condition: "none" } });
  const app = member("app", "1", [{ service: "init", condition: "completed" }]);
  const end = (stage: StackStage, outcome: "succeeded" | "failed"): void => {
    const [placementId = ""] = Object.keys(stage.deployment("shop-init").placements);
    const current = { phase: "ended", outcome } as const;
    const status = { placementId, deployment: "shop-init", sequence: 1_000_000, attempt: 1, current, restarts: 0, observedAtMs: 1 };
    stage.byNode("shop-init", { kind: "observed", node: "n1", statuses: [status] });
  };

  test("is waited for until it has completed, and not run again when nothing about it changes", () => {
    const stage = new StackStage();
    stage.apply([app, init]);
    for (let round = 0; round < 20; round++) stage.round();
    expect(stage.deployments()).toEqual(["shop-init"]);
    end(stage, "succeeded");
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    stage.apply([member("app", "2", app.after), init]);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.begun).toEqual(["shop-init@1", "shop-app@1", "shop-app@2"]);
  });

  test("was well once it has completed, also where nobody saw it healthy, and is not run again to show it", () => {
    const stage = new StackStage();
    const patient = member("app", "1", [{ service: "init", condition: "healthy" }]);
    stage.apply([patient, init]);
    stage.deliver();
    stage.byNode("shop-init", { kind: "placed", placements: [{ placementId: "shop-init.1.1", node: "n1" }] });
    end(stage, "succeeded");
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    stage.apply([member("app", "2", patient.after), init]);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.begun).toEqual(["shop-init@1", "shop-app@1", "shop-app@2"]);
  });

  test("that fails fails the stack, and those that wait for it are never begun", () => {
    const stage = new StackStage();
    stage.apply([app, init]);
    for (let round = 0; round < 5; round++) stage.round();
    end(stage, "failed");
    expect(stage.finish()).toMatchObject({ outcome: "failed", reason: expect.stringContaining("shop-init failed") });
    expect(stage.deployments()).toEqual(["shop-init"]);
  });

  test("that failed is tried again when the same file is applied again", () => {
    const stage = new StackStage();
    stage.apply([app, init]);
    for (let round = 0; round < 5; round++) stage.round();
    end(stage, "failed");
    expect(stage.finish()).toMatchObject({ outcome: "failed" });
    for (let round = 0; round < 3; round++) stage.round();
    stage.apply([app, init]);
    for (let round = 0; round < 5; round++) stage.round();
    expect(stage.begun).toEqual(["shop-init@1", "shop-init@2"]);
    end(stage, "succeeded");
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.deployments()).toEqual(["shop-app", "shop-init"]);
  });

  test("cannot be waited for where it is run again whenever it ends", () => {
    const members = [app, member("init", "1")];
    expect(new StackStage().person({ kind: "apply", members, prune: false, onFailure: "rollback" })).toMatchObject({
      message: expect.stringContaining("init is run again whenever it ends"),
    });
  });
});
