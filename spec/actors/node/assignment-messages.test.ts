import * as fc from "fast-check";
import { expect, test } from "vitest";
import { PinnedTemplate } from "../../../actors/deployment/contract.ts";
import { assignmentMessages, wholeMessages } from "../../../actors/node/assignment-messages.ts";
import { type Assignment, AssignmentChange, AssignmentPortion, type Placement } from "../../../actors/node/assignment-contract.ts";
import { evolve, initialState, type NodeEvent, type NodeState } from "../../../actors/node/state.ts";
import { AssignmentPortions, changedAssignment } from "../../../agent/given-assignments.ts";
import { encodePayload } from "../../../runtime/payload.ts";

const template = (filler = ""): Placement["template"] =>
  PinnedTemplate.parse({
    image: { reference: "app:1", digest: `sha256:${"1".repeat(64)}`, source: "registry" },
    environment: { FILLER: filler },
  });

const placement = (id: number, filler = ""): Placement => ({
  placementId: `web.${id}.1`,
  deployment: "web",
  slot: id,
  revision: 1,
  template: template(filler),
  desired: "running",
});

const assignmentOf = ({ assignment, placements, prefetch }: NodeState, epoch = 1): Assignment => ({
  kind: "assignment",
  tenant: "acme",
  node: "n1",
  epoch,
  number: assignment,
  placements: Object.values(placements),
  prefetch: [...prefetch],
});

const ids = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
const named = (numbers: readonly number[]): readonly string[] => numbers.map((id) => `web.${id}.1`);
const event: fc.Arbitrary<NodeEvent> = fc.oneof(
  ids.map((numbers): NodeEvent => ({ type: "placements.added", placements: numbers.map((id) => placement(id)) })),
  ids.map((numbers): NodeEvent => ({ type: "placements.stop-requested", placementIds: named(numbers) })),
  ids.map((numbers): NodeEvent => ({ type: "placements.removed", placementIds: named(numbers) })),
  fc.constant<NodeEvent>({ type: "node.lost", reason: "silence" }),
  fc.constant<NodeEvent>({ type: "node.removed" }),
);

test("whatever happens to a node, an agent that has one of its assignments makes of the change exactly the newest", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), fc.array(event, { minLength: 1, maxLength: 6 }), (first, then) => {
      const after = (events: readonly NodeEvent[], from: NodeState): NodeState =>
        events.reduce((state, each) => evolve(state, each, 0), from);
      const held = after(first, initialState("n1"));
      const newest = after(then, held);
      const [message] = assignmentMessages(assignmentOf(newest), assignmentOf(held));
      // As it arrives: in the contract's form, and of no object that the agent has already.
      const change = AssignmentChange.parse(JSON.parse(JSON.stringify(message)));
      const byId = ({ placements, ...rest }: Assignment) => ({
        ...rest,
        placements: new Map(placements.map((each) => [each.placementId, each])),
      });
      const made = changedAssignment(structuredClone(assignmentOf(held)), change);
      expect(made && byId(made)).toEqual(byId(assignmentOf(newest)));
    }),
  );
});

test("a change is as large as what changes, and not as the assignment", () => {
  const many = evolve(
    initialState("n1"),
    { type: "placements.added", placements: Array.from({ length: 2_000 }, (_, index) => placement(index + 1, "x".repeat(300))) },
    0,
  );
  const messages = (next: NodeEvent): string => JSON.stringify(assignmentMessages(assignmentOf(evolve(many, next, 0)), assignmentOf(many)));
  expect(messages({ type: "placements.stop-requested", placementIds: ["web.7.1"] }).length).toBeLessThan(300);
  expect(messages({ type: "placements.removed", placementIds: ["web.7.1"] }).length).toBeLessThan(300);
  expect(messages({ type: "placements.added", placements: [placement(2_001)] }).length).toBeLessThan(1_500);
  // All of them at once, as when their node is lost.
  expect(messages({ type: "node.lost", reason: "silence" }).length).toBeLessThan(50_000);
});

test("an assignment that no message can hold goes in portions that each are, in any order, and half of them are no assignment", () => {
  const whole = assignmentOf(
    evolve(
      initialState("n1"),
      { type: "placements.added", placements: Array.from({ length: 2_000 }, (_, index) => placement(index + 1, "ü".repeat(300))) },
      0,
    ),
  );
  expect(() => encodePayload("ody.acme.agent.n1", whole)).toThrow();
  const portions = wholeMessages(whole).map((message) => {
    expect(() => encodePayload("ody.acme.agent.n1", message)).not.toThrow();
    return AssignmentPortion.parse(message);
  });
  const collected = new AssignmentPortions();
  const [first, ...others] = portions.toReversed();
  if (first === undefined) throw new Error("there are none");
  expect(collected.take(first)).toBeUndefined();
  // Given again, and after one of a newer assignment that took their place.
  expect(collected.take(first)).toBeUndefined();
  expect(collected.take({ ...first, number: first.number + 1 })).toBeUndefined();
  const made = [first, ...others].map((portion) => collected.take(portion));
  expect(made.slice(0, -1).every((each) => each === undefined)).toBe(true);
  expect(made.at(-1)).toEqual(whole);
});
