import { expect, test } from "vitest";
import type { Decision } from "../../../runtime/actor.ts";
import { addressOf } from "../../../runtime/address.ts";
import { PinnedTemplate } from "../../../actors/deployment/contract.ts";
import type { Placement } from "../../../actors/node/assignment-contract.ts";
import type { NodeFacts } from "../../../actors/node/observed-contract.ts";
import { decide } from "../../../actors/node/decide.ts";
import type { NodeCommand } from "../../../actors/node/messages.ts";
import { project } from "../../../actors/node/projection.ts";
import { evolve, initialState, type NodeEvent, type NodeState } from "../../../actors/node/state.ts";

const FACTS: NodeFacts = {
  hostname: "host-1",
  agentVersion: "0.1.0",
  engineVersion: "28.0.0",
  os: "linux",
  arch: "amd64",
  cpuMillis: 4_000,
  memoryBytes: 2 ** 33,
  diskBytes: 2 ** 36,
  labels: {},
  address: "192.0.2.1",
  degraded: [],
};
const REMOVE: NodeCommand = { kind: "remove" };
const image = { reference: "app:1", digest: `sha256:${"1".repeat(64)}`, source: "registry" } as const;
const placement: Placement = {
  placementId: "web.1.1",
  deployment: "web",
  slot: 1,
  revision: 1,
  template: PinnedTemplate.parse({ image }),
  desired: "running",
};

function decided(state: NodeState, command: NodeCommand): Decision<NodeEvent> {
  const meta = { commandId: "c", principal: { kind: "user", id: "ada", role: "operator" }, via: "cli", correlationId: "c" } as const;
  return decide(state, command, { address: addressOf("acme", "node", "n1"), nowMs: 1_000, meta });
}

function after(state: NodeState, ...commands: readonly NodeCommand[]): NodeState {
  return commands.reduce((now, command) => {
    const decision = decided(now, command);
    if (decision.kind === "refuse") throw new Error(decision.refusal.message);
    return decision.events.reduce((next, event) => evolve(next, event, 1_000), now);
  }, state);
}

const joined = after(initialState("n1"), { kind: "join", facts: FACTS, engine: "reachable" });
const holding = after(joined, { kind: "assign", placements: [placement] });
const lost = after(holding, { kind: "cordon" }, { kind: "declare-lost", reason: "silent" });

test("a node that answers is not removed, and it is said what to do first", () => {
  expect(decided(holding, REMOVE)).toMatchObject({
    kind: "refuse",
    refusal: { code: "node.answers", httpStatus: 409, message: expect.stringMatching(/holds 1 replica: drain it first/) },
    audit: { operation: "nodes.remove" },
  });
  expect(decided(joined, REMOVE)).toMatchObject({ refusal: { message: expect.stringMatching(/"n1" still answers\. Stop its agent/) } });
});

test("a node that nobody knows cannot be removed", () => {
  expect(decided(initialState("n1"), REMOVE)).toMatchObject({ kind: "refuse", refusal: { code: "node.not-found" } });
});

test("a node that was given up is forgotten, the scheduler and its deployments hear of it, and the audit says what it still had", () => {
  const decision = decided(lost, REMOVE);
  expect(decision).toMatchObject({
    kind: "accept",
    messages: [
      ...["scheduler", "ingress"].map((kind) => ({ to: addressOf("acme", kind), message: { kind: "node-removed", name: "n1" } })),
      { to: addressOf("acme", "deployment", "web"), message: { kind: "gone", node: "n1", placementIds: ["web.1.1"] } },
    ],
    reply: { name: "n1" },
    audit: [{ operation: "nodes.remove", before: { availability: "cordoned", connection: "lost", placements: ["web.1.1"] } }],
  });
  const removed = after(lost, REMOVE);
  expect(project(lost, removed)).toEqual([{ change: "delete", kind: "node", id: "n1" }]);
  expect(decided(removed, { kind: "uncordon" })).toMatchObject({ kind: "refuse", refusal: { code: "node.not-found" } });
});

test("its agent joins anew as an empty node, and takes the empty assignment for newer than its own", () => {
  const back = after(lost, REMOVE, { kind: "join", facts: FACTS, engine: "reachable" });
  expect(back).toMatchObject({ connection: "joined", availability: "active", placements: {}, facts: FACTS });
  expect(back.assignment).toBeGreaterThan(lost.assignment);
});
