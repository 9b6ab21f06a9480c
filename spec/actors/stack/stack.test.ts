import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nextStepMs } from "../../../actors/stack/advance.ts";
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
    expect(stage.stack.members["shop-web"]?.standing).toMatchObject({ asOrdered: false });
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
    for (let round = 0; stage.stack.members["shop-extra"]?.wants !== "gone" && round < 20; round++) stage.deliverOne(0);
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

describe("a stack of which one member fails", () => {
  test("takes all of them back to what they were, and says why", () => {
    const stage = running();
    stage.apply([member("web", "2", web.after), member("api", "bad", api.after), member("db", "2"), member("new", "1")]);
    expect(stage.finish()).toMatchObject({
      change: "automatic-rollback",
      outcome: "succeeded",
      cause: expect.stringMatching(/^shop-api was rolled back: .*there is no such image/),
    });
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

describe("whatever is asked, in whatever order messages arrive", () => {
  const services = ["a", "b", "c"] as const;
  const someMember = fc.record({
    service: fc.constantFrom(...services),
    tag: fc.constantFrom("1", "2", "3", "bad"),
    waits: fc.boolean(),
  });
  const action = fc.oneof(
    fc.record({
      kind: fc.constant("apply" as const),
      members: fc.uniqueArray(someMember, { minLength: 1, maxLength: 3, selector: ({ service }) => service }),
      prune: fc.boolean(),
      onFailure: fc.constantFrom("rollback" as const, "pause" as const),
    }),
    fc.record({ kind: fc.constant("rollback" as const) }),
    fc.record({ kind: fc.constant("delete" as const) }),
    fc.record({ kind: fc.constant("by-hand" as const), service: fc.constantFrom(...services), stops: fc.boolean() }),
    fc.record({ kind: fc.constant("rounds" as const), count: fc.nat(8) }),
    fc.record({ kind: fc.constant("deliver" as const), choices: fc.array(fc.nat(100), { maxLength: 6 }) }),
  );

  function act(stage: StackStage, item: typeof action extends fc.Arbitrary<infer Action> ? Action : never): void {
    switch (item.kind) {
      case "apply": {
        const given = item.members.toSorted((a, b) => (a.service < b.service ? -1 : 1));
        const members = given.map(({ service, tag, waits }, index) =>
          member(service, tag, waits && index > 0 ? [{ service: given[index - 1]?.service ?? "", condition: "healthy" }] : []),
        );
        stage.person({ ...item, members });
        return;
      }
      case "by-hand":
        stage.byHand(`shop-${item.service}`, item.stops ? { kind: "stop" } : { kind: "scale", replicas: 2 });
        return;
      case "rounds":
        for (let round = 0; round < item.count; round++) stage.round();
        return;
      case "deliver":
        for (const choice of item.choices) stage.deliverOne(choice);
        return;
      default:
        stage.person(item);
    }
  }

  test("each rollout ends, and when it succeeded the members are what was asked for", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 14 }), (actions) => {
        const stage = new StackStage();
        for (const item of actions) act(stage, item);
        const last = actions.findLastIndex(({ kind }) => kind === "by-hand");
        const asked = actions.findLastIndex(({ kind }) => kind === "apply" || kind === "rollback" || kind === "delete");
        for (let round = 0; round < 120; round++) stage.round();
        stage.pass(86_400_000);
        const { rollout, mode, revisions, revision, members } = stage.stack;
        expect(rollout?.outcome).not.toBe("in-progress");
        if (rollout?.outcome !== "succeeded" || last > asked) return;
        const wanted = mode === "present" ? (revisions.find(({ number }) => number === revision)?.members ?? []) : [];
        expect(Object.keys(members).toSorted()).toEqual(wanted.map(({ deployment }) => deployment).toSorted());
        for (const { deployment, template } of wanted) {
          const state = stage.deployment(deployment);
          const present = state.revisions.find(({ number }) => number === state.revision)?.template.image.reference;
          if (members[deployment]?.standing?.asOrdered === true)
            expect([deployment, state.mode, present]).toEqual([deployment, "running", template.image.reference]);
        }
      }),
      { numRuns: 100 },
    );
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
