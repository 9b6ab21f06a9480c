import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { recordOf } from "../../../actors/stack/records.ts";
import { targetOf } from "../../../actors/stack/target.ts";
import { member, StackStage } from "./stage.ts";

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
    fc.record({ kind: fc.constant("restart" as const), services: fc.subarray([...services], { maxLength: 2 }) }),
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
        const { rollout, members } = stage.stack;
        expect(rollout?.outcome).not.toBe("in-progress");
        if (rollout?.outcome !== "succeeded" || last > asked) return;
        const wanted = targetOf(stage.stack).members;
        expect(members.map(({ deployment }) => deployment)).toEqual(wanted.map(({ deployment }) => deployment).toSorted());
        for (const { deployment, template } of wanted) {
          const state = stage.deployment(deployment);
          const present = state.revisions.find(({ number }) => number === state.revision)?.template.image.reference;
          if (recordOf(members, deployment)?.standing?.asOrdered === true)
            expect([deployment, state.mode, present]).toEqual([deployment, "running", template.image.reference]);
        }
      }),
      { numRuns: 100 },
    );
  });
});
