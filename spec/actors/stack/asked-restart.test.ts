import { describe, expect, test } from "vitest";
import { isRefusal } from "../../../runtime/refusal.ts";
import { member, StackStage } from "./stage.ts";

describe("a stack that somebody restarts", () => {
  const db = member("db", "1");
  const api = member("api", "1", [{ service: "db", condition: "healthy", restart: true }]);
  const web = member("web", "1", [{ service: "api", condition: "healthy" }]);
  const init = member("init", "1", [], { run: "job", restart: { condition: "none" } });

  function started(...members: Parameters<StackStage["apply"]>[0]): StackStage {
    const stage = new StackStage();
    stage.apply(members);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    stage.begun.length = 0;
    return stage;
  }

  const restart = (stage: StackStage, ...services: string[]) => stage.person({ kind: "restart", services });

  test("has its members made anew one after the other, each when what it waits for is well again", () => {
    const stage = started(web, api, db);
    expect(restart(stage)).toMatchObject({
      change: "changed",
      revision: 1,
      members: [{ service: "db" }, { service: "api" }, { service: "web" }],
    });
    stage.deliver();
    expect(stage.begun).toEqual(["shop-db@2"]);
    expect(stage.finish()).toMatchObject({ change: "restart", outcome: "succeeded", revision: 1 });
    expect(stage.begun).toEqual(["shop-db@2", "shop-api@2", "shop-web@2"]);
    expect(stage.deployment("shop-web").rollout).toMatchObject({ change: "restart", by: "ada" });
    expect(stage.rows.get("stack-change shop.00000002")).toMatchObject({
      change: "restart",
      by: "ada",
      links: { "shop-db": 2, "shop-api": 2, "shop-web": 2 },
      rollout: { outcome: "succeeded" },
    });
    expect(restart(stage)).toMatchObject({ change: "changed" });
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.begun).toHaveLength(6);
  });

  test("has only the named ones made anew, and those that depend on them with restart", () => {
    const stage = started(web, api, db);
    expect(restart(stage, "db")).toMatchObject({ members: [{ service: "db" }, { service: "api" }] });
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.begun).toEqual(["shop-db@2", "shop-api@2"]);
    restart(stage, "web");
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.begun.at(-1)).toBe("shop-web@2");
    expect(stage.begun).toHaveLength(3);
  });

  test("waits for no member that is not restarted, however that is", () => {
    const stage = started(web, api, db);
    stage.byHand("shop-api", { kind: "stop" });
    for (let round = 0; round < 3; round++) stage.round();
    restart(stage, "web");
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.begun).toEqual(["shop-web@2"]);
    expect(stage.deployment("shop-api").mode).toBe("stopped");
    expect(stage.rows.get("stack shop")).toMatchObject({ status: "degraded", reason: "not well: shop-api (stopped)" });
  });

  test("keeps what was changed by hand, which is drift as before", () => {
    const stage = started(web, api, db);
    stage.byHand("shop-db", { kind: "scale", replicas: 2 });
    for (let round = 0; round < 3; round++) stage.round();
    expect(stage.rows.get("deployment shop-db")).toMatchObject({ drifted: true, replicas: 2 });
    for (let time = 0; time < 3; time++) {
      restart(stage, "db");
      expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    }
    expect(stage.rows.get("deployment shop-db")).toMatchObject({ drifted: true, replicas: 2 });
    expect(stage.rows.get("stack shop")).toMatchObject({ status: "drifted" });
    expect(stage.apply([web, api, db])).toMatchObject({ change: "changed" });
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.rows.get("deployment shop-db")).toMatchObject({ drifted: false, replicas: 1 });
  });

  test("is no drift of what was not changed, however often it is restarted", () => {
    const stage = started(db);
    for (let time = 0; time < 110; time++) {
      restart(stage);
      stage.finish();
    }
    expect(stage.rows.get("deployment shop-db")).toMatchObject({ drifted: false, revision: 111 });
    expect(stage.apply([db])).toMatchObject({ change: "unchanged" });
  });

  test("leaves alone what does not run on, says so, and restarts that where it is named and runs", () => {
    const stage = new StackStage();
    stage.apply([db, init, web, api]);
    for (let round = 0; round < 5; round++) stage.round();
    const [placementId = ""] = Object.keys(stage.deployment("shop-init").placements);
    const current = { phase: "ended", outcome: "succeeded" } as const;
    const status = { placementId, deployment: "shop-init", sequence: 1_000_000, attempt: 1, current, restarts: 0, observedAtMs: 1 };
    stage.byNode("shop-init", { kind: "observed", node: "n1", statuses: [status] });
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    stage.begun.length = 0;
    stage.byHand("shop-web", { kind: "stop" });
    for (let round = 0; round < 3; round++) stage.round();
    expect(restart(stage)).toMatchObject({
      members: [{ service: "db" }, { service: "api" }],
      leftAlone: [
        { service: "web", reason: "is stopped" },
        { service: "init", reason: "is a job" },
      ],
    });
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.begun).toEqual(["shop-db@2", "shop-api@2"]);
    expect(restart(stage, "web", "db")).toMatchObject({ code: "stack.not-running", message: expect.stringContaining("web is stopped") });
    restart(stage, "init");
    for (let round = 0; round < 3; round++) stage.round();
    expect(stage.begun.at(-1)).toBe("shop-init@2");
  });

  test("is refused with what to do instead: a service that there is not, a change under way, a change that failed", () => {
    const stage = started(web, api, db);
    expect(restart(stage, "wbe")).toMatchObject({
      code: "stack.service-not-found",
      message: expect.stringContaining('Did you mean "web"?'),
    });
    expect(restart(stage, "shop-db")).toMatchObject({ message: expect.stringContaining('Did you mean "db"?') });
    expect(stage.begun).toEqual([]);
    restart(stage);
    expect(restart(stage)).toMatchObject({ code: "stack.changing", message: expect.stringContaining("(restart, revision 1)") });
    stage.finish();
    stage.apply([web, api, member("db", "bad")], { onFailure: "pause" });
    expect(stage.finish()).toMatchObject({ outcome: "failed" });
    expect(restart(stage)).toMatchObject({ code: "stack.unfinished", message: expect.stringContaining("revision 2") });
    const none = new StackStage().person({ kind: "restart", services: [] });
    expect(isRefusal(none) ? none.code : none).toBe("stack.not-found");
  });

  test("fails where a member does, and leaves those alone whose turn had not come", () => {
    const stage = started(web, api, db);
    restart(stage);
    stage.deliver();
    stage.byHand("shop-db", { kind: "stop" });
    expect(stage.finish()).toMatchObject({ change: "restart", outcome: "failed", reason: expect.stringContaining("shop-db was stopped") });
    expect(stage.rows.get("stack shop")).toMatchObject({ status: "failed", reason: expect.stringContaining("restart failed") });
    expect(stage.begun).toEqual(["shop-db@2"]);
    stage.byHand("shop-db", { kind: "start" });
    for (let round = 0; round < 3; round++) stage.round();
    restart(stage);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
  });

  test("gives way to a newer change, which owes nobody a restart but those that depend on what was restarted", () => {
    const stage = started(web, api, db);
    restart(stage);
    for (let round = 0; round < 2; round++) stage.round();
    stage.apply([web, api, db, member("new", "1")]);
    expect(stage.finish()).toMatchObject({ change: "update", outcome: "succeeded" });
    expect(stage.begun.toSorted()).toEqual(["shop-api@2", "shop-db@2", "shop-new@1"]);
  });
});
