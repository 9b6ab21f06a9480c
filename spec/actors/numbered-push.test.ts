import { expect, onTestFinished, test } from "vitest";
import { assignmentGiving } from "../../actors/node/assignment-messages.ts";
import type { AgentRequest } from "../../actors/node/contract.ts";
import type { Assignment, AssignmentAnswer } from "../../actors/node/assignment-contract.ts";
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

/** An agent as of a version, which keeps what it takes. */
class StandInAgent {
  readonly asked: string[] = [];
  held = { epoch: 0, number: 0 };
  answer: (message: AgentRequest) => unknown = (message) => this.take(message);

  take(message: AgentRequest): AssignmentAnswer {
    if (message.kind === "assignment-change" && message.base.number !== this.held.number) return { kind: "lacking", names: ["assignment"] };
    if (message.kind !== "assignment" && message.kind !== "assignment-change") throw new Error(message.kind);
    this.held = { epoch: message.epoch, number: message.number };
    return { kind: "accepted", ...this.held };
  }

  push(): NumberedPush<Assignment> {
    const bus = new MemoryBroker(systemClock).connect("both");
    bus.serve(SUBJECT, async (payload) => {
      const message = payload as AgentRequest;
      this.asked.push(message.kind);
      return this.answer(message);
    });
    const push = new NumberedPush<Assignment>({ bus, clock: systemClock }, SUBJECT, assignments, assignmentGiving);
    onTestFinished(() => push.stop());
    push.agentIsAt(0, 0);
    return push;
  }
}

test("an agent is given the whole first, and then what changes", async () => {
  const agent = new StandInAgent();
  const push = agent.push();
  push.want(assignment);
  await expect.poll(() => push.accepted?.number).toBe(2);
  push.want({ ...assignment, number: 3 });
  await expect.poll(() => push.accepted?.number).toBe(3);
  expect(agent.asked).toEqual(["assignment", "assignment-change"]);
});

test("an agent that has lost what the change is of is given the whole", async () => {
  const agent = new StandInAgent();
  const push = agent.push();
  push.want(assignment);
  await expect.poll(() => push.accepted?.number).toBe(2);
  agent.held = { epoch: 0, number: 0 };
  push.want({ ...assignment, number: 3 });
  await expect.poll(() => agent.held.number).toBe(3);
  expect(agent.asked).toEqual(["assignment", "assignment-change", "assignment"]);
});

test("an agent that knows no changes is given the whole again and again, and that it is of another version is told", async () => {
  const agent = new StandInAgent();
  agent.answer = (message) => (message.kind === "assignment" ? agent.take(message) : { kind: "refusal", code: "message.malformed" });
  const push = agent.push();
  push.want(assignment);
  await expect.poll(() => push.accepted?.number).toBe(2);
  push.want({ ...assignment, number: 3 });
  await expect.poll(() => push.problem).toMatch(/of another version/);
  await expect.poll(() => push.accepted?.number, { timeout: 5_000 }).toBe(3);
});
