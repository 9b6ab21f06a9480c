import { expect, test } from "vitest";
import type { Decision } from "../../../runtime/actor.ts";
import { addressOf } from "../../../runtime/address.ts";
import { PinnedTemplate } from "../../../actors/deployment/contract.ts";
import type { NodeFacts } from "../../../actors/node/observed-contract.ts";
import { decide } from "../../../actors/node/decide.ts";
import type { NodeCommand } from "../../../actors/node/messages.ts";
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
/** As an agent tells them that has not reached its engine since it started. */
const BLIND: NodeFacts = {
  ...FACTS,
  hostname: "n1",
  engineVersion: "unknown",
  arch: "unknown",
  cpuMillis: 0,
  memoryBytes: 0,
  diskBytes: 0,
};

function accepted(state: NodeState, command: NodeCommand): Extract<Decision<NodeEvent>, { kind: "accept" }> {
  const meta = { commandId: "c", principal: { kind: "system", id: "s", role: "system" }, via: "system", correlationId: "c" } as const;
  const decision = decide(state, command, { address: addressOf("acme", "node", "n1"), nowMs: 1_000, meta });
  if (decision.kind === "refuse") throw new Error(decision.refusal.message);
  return decision;
}

function after(state: NodeState, command: NodeCommand): NodeState {
  return accepted(state, command).events.reduce((now, event) => evolve(now, event, 1_000), state);
}

const joined = after(initialState("n1"), { kind: "join", facts: FACTS, engine: "reachable" });

test("a node whose engine answers, and has not said yet what the machine is, keeps its processors and memory", () => {
  const blind = after(joined, { kind: "join", facts: { ...BLIND, agentVersion: "0.2.0" }, engine: "reachable" });
  expect(blind).toMatchObject({ engine: "reachable", facts: { ...FACTS, agentVersion: "0.2.0" } });
});

test("a node whose agent started while the engine was away keeps its processors and memory", () => {
  const away = after(joined, { kind: "join", facts: { ...BLIND, agentVersion: "0.2.0" }, engine: "unreachable" });
  expect(away).toMatchObject({ engine: "unreachable", facts: { ...FACTS, agentVersion: "0.2.0" } });
});

test("an agent that says again what is known changes nothing", () => {
  const away = after(joined, { kind: "join", facts: BLIND, engine: "unreachable" });
  expect(after(away, { kind: "join", facts: BLIND, engine: "unreachable" })).toBe(away);
});

test("a node that is given up tells the deployments of all they had there, also of what was about to stop", () => {
  const image = { reference: "app:1", digest: `sha256:${"1".repeat(64)}`, source: "registry" };
  const placement = { deployment: "web", revision: 1, template: PinnedTemplate.parse({ image }), desired: "running" } as const;
  const holding = after(joined, {
    kind: "assign",
    placements: [
      { ...placement, placementId: "web.1.1", slot: 1 },
      { ...placement, placementId: "web.2.2", slot: 2 },
    ],
  });
  const stopping = after(holding, { kind: "stop", placementIds: ["web.1.1"] });
  const { messages } = accepted(stopping, { kind: "declare-lost", reason: "silent" });
  expect(messages).toContainEqual({
    to: addressOf("acme", "deployment", "web"),
    message: { kind: "lost", node: "n1", placementIds: ["web.1.1", "web.2.2"] },
  });
  const lost = after(stopping, { kind: "declare-lost", reason: "silent" });
  expect(lost.placements, "what becomes of them is for their deployments to say").toEqual(stopping.placements);
  const asEarlierReleasesWroteIt = evolve(stopping, { type: "node.lost", reason: "silent" }, 1_000);
  expect(Object.values(asEarlierReleasesWroteIt.placements).map(({ desired }) => desired)).toEqual(["stopped", "stopped"]);
});

test("a node that is lost before it is given a replica never has it", () => {
  const image = { reference: "app:1", digest: `sha256:${"1".repeat(64)}`, source: "registry" };
  const placement = { placementId: "web.1.1", deployment: "web", slot: 1, revision: 1, template: PinnedTemplate.parse({ image }) };
  const lost = after(joined, { kind: "declare-lost", reason: "silent" });
  const { messages } = accepted(lost, { kind: "assign", placements: [{ ...placement, desired: "running" }] });
  expect(messages).toContainEqual({
    to: addressOf("acme", "deployment", "web"),
    message: { kind: "gone", node: "n1", placementIds: ["web.1.1"] },
  });
});

test("an image that is fetched ahead is no longer wished for once its replica is there", () => {
  const image = { reference: "app:2", digest: `sha256:${"2".repeat(64)}`, source: "registry" } as const;
  const other = { ...image, digest: `sha256:${"3".repeat(64)}` };
  const wishing = after(after(joined, { kind: "prefetch", image }), { kind: "prefetch", image: other });
  expect(wishing.prefetch).toEqual([image, other]);
  const template = PinnedTemplate.parse({ image });
  const placement = { placementId: "web.1.1", deployment: "web", slot: 1, revision: 1, template, desired: "running" } as const;
  expect(after(wishing, { kind: "assign", placements: [placement] }).prefetch).toEqual([other]);
});
