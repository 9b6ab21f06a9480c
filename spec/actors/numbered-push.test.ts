import { expect, onTestFinished, test } from "vitest";
import type { Assignment, AssignmentAnswer } from "../../actors/node/contract.ts";
import { assignments } from "../../actors/node/edge.ts";
import { NumberedPush } from "../../actors/numbered-push.ts";
import { MemoryBroker } from "../../runtime/memory-bus.ts";
import { systemClock } from "../../runtime/system-clock.ts";

const SUBJECT = "ody.acme.agent.n1";
const assignment: Assignment = { kind: "assignment", tenant: "acme", node: "n1", epoch: 1, number: 2, placements: [], prefetch: [] };

function pushTo(answer: () => AssignmentAnswer): NumberedPush<Assignment> {
  const bus = new MemoryBroker(systemClock).connect("both");
  bus.serve(SUBJECT, async () => answer());
  const push = new NumberedPush<Assignment>({ bus, clock: systemClock }, SUBJECT, assignments);
  onTestFinished(() => push.stop());
  push.want(assignment);
  push.agentIsAt(0, 0);
  return push;
}

test("an agent whose disk is full is told about, until it has taken its assignment", async () => {
  let isFull = true;
  const push = pushTo(() =>
    isFull ? { kind: "not-stored", message: "the disk is full" } : { kind: "accepted", epoch: assignment.epoch, number: assignment.number },
  );
  await expect.poll(() => push.problem).toBe("its agent cannot keep its assignment: the disk is full");
  isFull = false;
  await expect.poll(() => push.accepted?.number).toBe(assignment.number);
  expect(push.problem).toBeUndefined();
});

test("an assignment that no message can hold is told about", async () => {
  const push = pushTo(() => ({ kind: "accepted", epoch: 1, number: 2 }));
  const image = { reference: "app:1", digest: `sha256:${"1".repeat(64)}`, source: "registry" } as const;
  push.want({ ...assignment, number: 3, prefetch: Array.from({ length: 10_000 }, () => image) });
  await expect.poll(() => push.problem).toMatch(/larger than one message/);
});
