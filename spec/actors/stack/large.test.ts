import { describe, expect, test } from "vitest";
import { MAX_UNANSWERED_ORDERS } from "../../../actors/stack/advance.ts";
import { MAX_MEMBERS } from "../../../actors/stack/contract.ts";
import type { Member } from "../../../actors/stack/commands.ts";
import { StackView } from "../../../actors/stack/views.ts";
import { member, StackStage } from "./stage.ts";

function many(count: number, tagOfLast = "1"): readonly Member[] {
  return Array.from({ length: count }, (_, index) => member(`m${index}`, index === count - 1 ? tagOfLast : "1"));
}

/** In which each waits for the one before. */
function chain(count: number): readonly Member[] {
  return Array.from({ length: count }, (_, index) =>
    member(`m${index}`, "1", index === 0 ? [] : [{ service: `m${index - 1}`, condition: "started" }]),
  );
}

const orders = (stage: StackStage): readonly string[] => stage.mail.filter(({ to }) => to.includes("/deployment/")).map(({ to }) => to);

describe("a stack of many members", () => {
  test("orders some of them, and others when those have answered", () => {
    const stage = new StackStage();
    stage.apply(many(MAX_UNANSWERED_ORDERS * 2));
    expect(orders(stage)).toHaveLength(MAX_UNANSWERED_ORDERS);
    stage.deliverOne(0);
    stage.deliver();
    expect(stage.deployments()).toHaveLength(MAX_UNANSWERED_ORDERS * 2);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
  });

  test("touches the one that changes, and no other", () => {
    const stage = new StackStage();
    stage.apply(many(20));
    stage.finish();
    const before = stage.stack.nextOrder;
    expect(stage.apply(many(20, "2")).members).toMatchObject([{ service: "m19", change: "change" }]);
    expect(orders(stage)).toEqual(["acme/deployment/shop-m19"]);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.stack.nextOrder).toBe(before + 1);
    expect(Object.keys(stage.stack.revisions.at(-1)?.links ?? {})).toHaveLength(20);
  });

  test("lets a member that waits for an unchanged one begin after what that one waits for", () => {
    const stage = new StackStage();
    const [db, api, web] = chain(3);
    if (db === undefined || api === undefined || web === undefined) throw new Error("there are three");
    stage.apply([db, api, web]);
    stage.finish();
    stage.begun.length = 0;
    stage.apply([member("m0", "2"), api, member("m2", "2", web.after)]);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(stage.begun).toEqual(["shop-m0@2", "shop-m2@2"]);
  });

  test("keeps a member once, in however many revisions it is the same", () => {
    const stage = new StackStage();
    for (let change = 1; change <= 40; change++) {
      stage.apply(many(20, String(change)));
      stage.finish();
    }
    const { contents, revisions } = stage.stack;
    expect(Object.keys(contents)).toHaveLength(19 + revisions.length);
    expect(stage.accepted({ kind: "rollback", to: revisions[0]?.number ?? 0 }).members).toHaveLength(1);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
  });

  test("may be a chain of as many as a stack can have, and no circle among them goes unseen", () => {
    const longest = chain(MAX_MEMBERS);
    const stage = new StackStage();
    expect(stage.apply(longest)).toMatchObject({ change: "created" });
    const circle = [member("m0", "1", [{ service: `m${MAX_MEMBERS - 1}`, condition: "started" }]), ...longest.slice(1)];
    expect(new StackStage().person({ kind: "apply", members: circle, prune: false, onFailure: "rollback" })).toMatchObject({
      code: "stack.invalid",
      message: expect.stringContaining("m0 waits for itself"),
    });
  });

  test("is told in lists by the first of its services and their number, and its status in a few words", () => {
    const stage = new StackStage();
    stage.apply(many(200));
    const view = StackView.parse(stage.rows.get("stack shop"));
    expect(view).toMatchObject({ serviceCount: 200, services: ["m0", "m1", ...Array.from({ length: 18 }, (_, index) => `m${index + 2}`)] });
    expect(view.reason).toBe(
      "0 of 200 done; shop-m0 has not answered yet, shop-m1 has not answered yet, shop-m2 has not answered yet and 197 more",
    );
  });
});
