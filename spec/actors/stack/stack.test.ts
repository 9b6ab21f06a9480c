import { describe, expect, test } from "vitest";
import { nextStepMs } from "../../../actors/stack/advance.ts";
import { recordOf } from "../../../actors/stack/records.ts";
import { revisionId, StackRevisionRow } from "../../../actors/stack/views.ts";
import { member, StackStage } from "./stage.ts";

const db = member("db", "1");
const api = member("api", "1", [{ service: "db", condition: "healthy" }]);
const web = member("web", "1", [{ service: "api", condition: "started" }]);

function rowOf(stage: StackStage, revision: number): StackRevisionRow | undefined {
  return StackRevisionRow.optional().parse(stage.rows.get(`stack-revision ${revisionId("shop", revision)}`));
}

function running(): StackStage {
  const stage = new StackStage();
  stage.apply([web, api, db]);
  expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
  stage.begun.length = 0;
  return stage;
}

describe("a stack that is applied", () => {
  test("begins its members in the order in which they wait for each other, whatever the manifest's", () => {
    const stage = new StackStage();
    expect(stage.apply([web, api, db])).toMatchObject({ change: "created", revision: 1, rollout: 1 });
    stage.deliver();
    expect(stage.deployments()).toEqual(["shop-db"]);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.begun).toEqual(["shop-db@1", "shop-api@1", "shop-web@1"]);
  });

  test("is begun in the name of the person who asked", () => {
    const stage = running();
    expect(stage.deployment("shop-web").rollout).toMatchObject({ by: "ada", via: "cli" });
  });

  test("links the revisions of its members", () => {
    const stage = running();
    stage.apply([web, member("api", "2", api.after), db]);
    stage.finish();
    expect(stage.stack.revisions.at(-1)?.links).toEqual({ "shop-db": 1, "shop-api": 2, "shop-web": 1 });
  });

  test("does nothing when it is the same again, and repairs what was changed by hand", () => {
    const stage = running();
    expect(stage.apply([web, api, db])).toMatchObject({ change: "unchanged", revision: 1 });
    stage.byHand("shop-web", { kind: "scale", replicas: 3 });
    stage.deliver();
    expect(recordOf(stage.stack.members, "shop-web")?.standing).toMatchObject({ asOrdered: false });
    stage.round();
    expect(stage.deployment("shop-web").replicas).toBe(3);
    expect(stage.apply([web, api, db])).toMatchObject({ change: "changed", revision: 1 });
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.deployment("shop-web").replicas).toBe(1);
  });

  test("brings back a member that was stopped or deleted by hand", () => {
    const stage = running();
    stage.byHand("shop-web", { kind: "stop" });
    stage.byHand("shop-db", { kind: "delete" });
    for (let round = 0; round < 5; round++) stage.round();
    expect(stage.deployments()).toEqual(["shop-api", "shop-web"]);
    stage.apply([web, api, db]);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.deployments()).toEqual(["shop-api", "shop-db", "shop-web"]);
    expect(stage.deployment("shop-web").mode).toBe("running");
  });

  test("makes a member anew that is just being deleted, once it is gone", () => {
    const stage = running();
    stage.byHand("shop-web", { kind: "delete" });
    stage.deliver();
    stage.apply([web, api, db]);
    stage.deliver();
    expect(stage.deployment("shop-web").mode).toBe("deleting");
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.deployment("shop-web").mode).toBe("running");
  });

  test("makes a member anew that was pruned just now, once it is gone, also when nobody has heard of its end yet", () => {
    const stage = running();
    const extra = member("extra", "1");
    stage.apply([web, api, db, extra]);
    stage.finish();
    stage.apply([web, api, db], { prune: true });
    for (let round = 0; recordOf(stage.stack.members, "shop-extra")?.wants !== "gone" && round < 20; round++) stage.deliverOne(0);
    stage.apply([web, api, db, extra]);
    expect(stage.finish()).toMatchObject({ change: "update", outcome: "succeeded" });
    expect(stage.deployment("shop-extra").mode).toBe("running");
  });

  test("keeps what is not named, and removes it with prune, what others wait for last", () => {
    const stage = running();
    stage.apply([member("new", "1")]);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.deployments()).toEqual(["shop-api", "shop-db", "shop-new", "shop-web"]);
    expect(stage.apply([member("new", "1")], { prune: true }).members.map(({ change, service }) => `${change} ${service}`)).toEqual([
      "remove web",
      "remove api",
      "remove db",
    ]);
    stage.deliver();
    expect(["shop-web", "shop-api", "shop-db"].map((name) => stage.deployment(name).mode)).toEqual(["deleting", "running", "running"]);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.deployments()).toEqual(["shop-new"]);
  });

  test("takes in a deployment that stood alone, and leaves alone one of another stack", () => {
    const stage = new StackStage();
    stage.byHand("shop-web", { kind: "create", ...member("web", "1") });
    stage.apply([member("web", "1")]);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.deployment("shop-web")).toMatchObject({ membership: { stack: "shop" }, revision: 1 });

    const author = { principal: { kind: "user", id: "eve", role: "admin" }, via: "cli" } as const;
    stage.byHand("shop-db", { kind: "member", stack: "shop-d", order: 1, author, want: { kind: "content", wanted: member("db", "9") } });
    stage.apply([member("web", "1"), db]);
    expect(stage.finish()).toMatchObject({ change: "automatic-rollback", outcome: "succeeded" });
    expect(stage.stack.rollout?.cause).toMatch(/belongs to the stack shop-d/);
    expect(stage.deployment("shop-db").revisions.at(-1)?.template.image.reference).toBe("app:9");
  });

  test("is refused when members wait for each other in a circle, or for none", () => {
    const stage = new StackStage();
    const a = member("a", "1", [{ service: "b", condition: "started" }]);
    const b = member("b", "1", [{ service: "a", condition: "started" }]);
    expect(stage.person({ kind: "apply", members: [a, b], prune: false, onFailure: "rollback" })).toMatchObject({
      code: "stack.invalid",
      message: expect.stringContaining("a waits for itself"),
    });
    expect(stage.person({ kind: "apply", members: [a], prune: false, onFailure: "rollback" })).toMatchObject({
      message: expect.stringContaining("a waits for b, which is no member"),
    });
  });
});

describe("a stack of which one member fails", () => {
  test("takes all of them back to what they were, and says why", () => {
    const stage = running();
    stage.apply([member("web", "2", web.after), member("api", "bad", api.after), member("db", "2"), member("new", "1")]);
    expect(stage.finish()).toMatchObject({
      change: "automatic-rollback",
      outcome: "succeeded",
      cause: expect.stringMatching(/^shop-api was rolled back: .*there is no such image/),
    });
    const failed = { outcome: "rolled-back", failedMember: "shop-api" };
    expect(stage.rows.get(`stack-change ${revisionId("shop", 2)}`)).toMatchObject({ rollout: failed });
    expect(stage.deployments()).toEqual(["shop-api", "shop-db", "shop-web"]);
    for (const name of stage.deployments()) {
      const { revisions, revision } = stage.deployment(name);
      expect(revisions.find(({ number }) => number === revision)?.template.image.reference).toBe("app:1");
    }
    expect(stage.stack.revisions.at(-1)).toMatchObject({ number: 3, contentOf: 1 });
  });

  test("never begins those that wait for it", () => {
    const stage = new StackStage();
    stage.apply([web, member("api", "bad", api.after), db]);
    expect(stage.finish()).toMatchObject({ outcome: "failed", reason: expect.stringContaining("shop-api failed") });
    expect(stage.begun).toEqual(["shop-db@1", "shop-api@1"]);
  });

  test("stays where it is when it is told to pause", () => {
    const stage = running();
    stage.apply([web, member("api", "bad", api.after), member("db", "2")], { onFailure: "pause" });
    expect(stage.finish()).toMatchObject({ change: "update", outcome: "failed" });
    expect(stage.deployment("shop-db").revision).toBe(2);
  });
});

describe("a stack that is rolled back", () => {
  test("takes each member to what the revision links, makes the removed again and removes the added", () => {
    const stage = running();
    stage.apply([member("web", "2"), member("new", "1")], { prune: true });
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.deployments()).toEqual(["shop-new", "shop-web"]);
    expect(stage.accepted({ kind: "rollback" })).toMatchObject({ revision: 3, change: "changed" });
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.deployments()).toEqual(["shop-api", "shop-db", "shop-web"]);
    expect(stage.deployment("shop-web").revisions.at(-1)).toMatchObject({ number: 3, contentOf: 1 });
    expect(stage.person({ kind: "rollback", to: 1 })).toMatchObject({ code: "stack.current" });
    expect(stage.person({ kind: "rollback", to: 9 })).toMatchObject({ code: "stack.revision-not-found" });
  });

  test("goes back to each member's own revision, also when the member tells of its old order meanwhile", () => {
    const stage = running();
    stage.apply([member("web", "2", web.after), member("api", "2", api.after), db]);
    stage.finish();
    stage.accepted({ kind: "rollback" });
    stage.byHand("shop-web", { kind: "scale", replicas: 2 });
    stage.byHand("shop-web", { kind: "scale", replicas: 1 });
    stage.deliver();
    expect(stage.stack.revisions.at(-1)?.links).not.toHaveProperty("shop-web");
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.deployment("shop-web").revisions.at(-1)).toMatchObject({ contentOf: 1 });
  });

  test("is deleted with all its members, and a namesake goes on counting", () => {
    const stage = running();
    expect(stage.accepted({ kind: "delete" })).toMatchObject({ change: "deleting" });
    expect(stage.person({ kind: "apply", members: [db], prune: false, onFailure: "rollback" })).toMatchObject({ code: "stack.deleting" });
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.deployments()).toEqual([]);
    expect(stage.stack.mode).toBe("absent");
    expect(stage.apply([db])).toMatchObject({ change: "created", revision: 2 });
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.person({ kind: "rollback", to: 1 })).toMatchObject({ code: "stack.revision-not-found" });
    expect(rowOf(stage, 1)).toBeUndefined();
  });
});

describe("what people read of a stack's revisions", () => {
  test("are the links of its members, also when its rollout failed or a newer one took its place", () => {
    const stage = running();
    expect(rowOf(stage, 1)?.links).toEqual({ "shop-db": 1, "shop-api": 1, "shop-web": 1 });
    stage.apply([web, member("api", "bad", api.after), member("db", "2")], { onFailure: "pause" });
    stage.finish();
    expect(rowOf(stage, 2)?.links).toEqual(stage.stack.revisions.at(-1)?.links);
    expect(rowOf(stage, 2)?.links).toHaveProperty("shop-db", 2);

    stage.apply([web, api, member("db", "3")]);
    for (let round = 0; round < 3; round++) stage.round();
    stage.apply([web, api, db]);
    expect(rowOf(stage, 3)?.links).toHaveProperty("shop-db", 3);
  });
});

describe("what people read of a stack's members", () => {
  test("is who is one, from the change that makes them so to the one that removes them", () => {
    const stage = running();
    const members = (): readonly unknown[] => [...stage.rows].filter(([key]) => key.startsWith("stack-member ")).map(([, body]) => body);
    expect(members()).toEqual(["web", "api", "db"].map((service) => ({ service, deployment: `shop-${service}` })));
    stage.apply([db, member("new", "1")], { prune: true });
    expect(members()).toEqual(["db", "new"].map((service) => ({ service, deployment: `shop-${service}` })));
    stage.finish();
    stage.accepted({ kind: "delete" });
    expect(members()).toHaveLength(2);
    stage.finish();
    expect(members()).toEqual([]);
  });
});

describe("deadlines of a stack", () => {
  test("end a rollout whose member never answers, with who is waited for", () => {
    const stage = new StackStage();
    stage.apply([db]);
    stage.mail.length = 0;
    stage.pass(86_400_000);
    expect(stage.stack.rollout).toMatchObject({ outcome: "failed", reason: "it did not finish in time: shop-db has not answered yet" });
  });

  test("wake it once: what is due already is not waited for", () => {
    const stage = new StackStage();
    stage.apply([db]);
    const deadlineAtMs = stage.stack.rollout?.deadlineAtMs ?? 0;
    expect(nextStepMs(stage.stack, deadlineAtMs - 1)).toBe(deadlineAtMs);
    expect(nextStepMs(stage.stack, deadlineAtMs)).toBeUndefined();
  });

  test("end one whose unchanged member is not well", () => {
    const stage = running();
    const sick = { phase: "running", containerId: "c", startedAtMs: 1, health: "unhealthy", healthSinceMs: 1 } as const;
    const placementId = Object.keys(stage.deployment("shop-db").placements)[0] ?? "";
    const status = {
      placementId,
      deployment: "shop-db",
      sequence: 1_000_000,
      attempt: 1,
      current: sick,
      restarts: 0,
      observedAtMs: stage.nowMs,
    };
    stage.byNode("shop-db", { kind: "observed", node: "n1", statuses: [status] });
    stage.deliver();
    stage.apply([web, member("api", "2", api.after), db], { onFailure: "pause" });
    stage.deliver();
    stage.pass(400_000);
    expect(stage.stack.rollout).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("shop-db is unchanged, and was not healthy within"),
    });
    expect(stage.deployment("shop-api").revision).toBe(1);
  });
});
