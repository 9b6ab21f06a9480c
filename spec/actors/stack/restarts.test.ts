import { describe, expect, test } from "vitest";
import { member, StackStage } from "./stage.ts";

const db = member("db", "1");

describe("a member that is restarted with one it depends on", () => {
  const back = member("api", "1", [{ service: "db", condition: "healthy", restart: true }]);
  const front = member("web", "1", [{ service: "api", condition: "started", restart: true }]);
  const other = member("other", "1", [{ service: "db", condition: "healthy" }]);

  function started(): StackStage {
    const stage = new StackStage();
    stage.apply([front, other, back, db]);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    stage.begun.length = 0;
    return stage;
  }

  test("is, once the other is as it demands, and so are those that depend on it in turn; nobody else is", () => {
    const stage = started();
    const { members } = stage.apply([front, other, back, member("db", "2")]);
    expect(members.map(({ service, change }) => `${change} ${service}`)).toEqual(["change db", "restart web", "restart api"]);
    stage.deliver();
    expect(stage.begun).toEqual(["shop-db@2"]);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.begun).toEqual(["shop-db@2", "shop-api@2", "shop-web@2"]);
    expect(stage.deployment("shop-web").rollout).toMatchObject({ change: "restart", by: "ada" });
    stage.apply([front, other, back, member("db", "2")]);
    expect(stage.begun).toHaveLength(3);
  });

  test("is not when the other is only scaled, restarted by hand, or fails by itself", () => {
    const stage = started();
    stage.apply([front, other, back, { ...db, replicas: 2 }]);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    stage.byHand("shop-db", { kind: "restart" });
    for (let round = 0; round < 5; round++) stage.round();
    expect(stage.deployment("shop-api").revision).toBe(1);
    expect(stage.deployment("shop-web").revision).toBe(1);
  });

  test("is made anew once, not twice, when it changes as well", () => {
    const stage = started();
    stage.apply([front, other, member("api", "2", back.after), member("db", "2")]);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.begun).toEqual(["shop-db@2", "shop-api@2", "shop-web@2"]);
    expect(stage.deployment("shop-api").rollout).toMatchObject({ change: "update" });
  });

  test("is also when a newer change took the place of the one that replaced the other", () => {
    const stage = started();
    stage.apply([front, other, back, member("db", "2")]);
    stage.round();
    stage.apply([front, member("other", "2", other.after), back, member("db", "2")]);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.deployment("shop-api").rollout).toMatchObject({ change: "restart" });
    expect(stage.deployment("shop-web").rollout).toMatchObject({ change: "restart" });
  });

  test("is once more when somebody deletes the other after its own turn, and the stack makes that anew", () => {
    const stage = started();
    stage.apply([member("web", "2", front.after), other, member("api", "2", back.after), db]);
    for (let round = 0; round < 50 && !stage.begun.includes("shop-web@2"); round++) stage.round();
    stage.byHand("shop-db", { kind: "delete" });
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.begun.map((name) => name.split("@")[0])).toEqual(["shop-api", "shop-web", "shop-db", "shop-api", "shop-web"]);
  });

  test("is again when the stack goes back", () => {
    const stage = started();
    stage.apply([front, other, back, member("db", "bad")]);
    expect(stage.finish()).toMatchObject({ change: "automatic-rollback", outcome: "succeeded" });
    expect(stage.deployment("shop-other").revision).toBe(1);
    stage.apply([front, other, back, member("db", "2")]);
    stage.finish();
    stage.begun.length = 0;
    stage.accepted({ kind: "rollback" });
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.begun.map((name) => name.split("@")[0])).toEqual(["shop-db", "shop-api", "shop-web"]);
  });
});
