import { expect, onTestFinished, test } from "vitest";
import { IngressEdge } from "../../../actors/ingress/edge.ts";
import type { IngressCertificates, IngressTable } from "../../../actors/ingress/contract.ts";
import type { Supply } from "../../../actors/ingress/keys.ts";
import { addressOf } from "../../../runtime/address.ts";
import { MemoryBroker } from "../../../runtime/memory-bus.ts";
import { systemClock } from "../../../runtime/system-clock.ts";
import { Stage, status } from "./stage.ts";

/** More than any message holds: 1,000 hosts with a chain as Let's Encrypt gives them. */
const HOSTS = 1_000;
const CHAIN_CHARS = 3_300;
const supply: Supply = {
  version: 1,
  challenges: [],
  certificates: Array.from({ length: HOSTS }, (_, index) => ({
    id: index.toString(16).padStart(64, "0"),
    chain: "c".repeat(CHAIN_CHARS),
    privateKey: "k".repeat(240),
  })),
};

/** An agent that holds what it was given, behind a bus with the bounds of a real one. */
class HoldingAgent {
  readonly held = new Set<string>();
  readonly messages: (IngressTable | IngressCertificates)[] = [];

  answer(message: IngressTable | IngressCertificates): unknown {
    this.messages.push(message);
    if (message.kind === "ingress-certificates") {
      for (const { id } of message.certificates) this.held.add(id);
      return { kind: "kept" };
    }
    const lacking = message.certificates.filter((id) => !this.held.has(id));
    return lacking.length > 0
      ? { kind: "lacking", certificates: lacking }
      : { kind: "accepted", epoch: message.epoch, number: message.number };
  }

  get table(): IngressTable | undefined {
    return this.messages.findLast((message): message is IngressTable => message.kind === "ingress-table");
  }
}

function tended(agent: HoldingAgent): { readonly stage: Stage; readonly edge: IngressEdge } {
  const broker = new MemoryBroker(systemClock);
  broker.connect("agent").serve("ody.acme.agent.n1", async (message) => agent.answer(message as IngressTable));
  const stage = new Stage();
  stage.node("n1");
  const edge = new IngressEdge(
    { address: addressOf("acme", "ingress"), command: () => undefined, tell: () => undefined },
    {
      clock: systemClock,
      bus: broker.connect("control-plane"),
      epochOf: () => 1,
      keys: { of: () => supply, onChanged: () => ({ stop: () => undefined }) },
    },
  );
  onTestFinished(() => edge.stopped());
  edge.committed(stage.state);
  edge.receive({ kind: "ingress-status", node: "n1", session: "s", status: status(0) });
  return { stage, edge };
}

test("a node is given as many certificates as routes may have, before the table that names them", async () => {
  const agent = new HoldingAgent();
  const { edge } = tended(agent);
  await expect.poll(() => edge.soft().nodes.get("n1")?.acceptedNumber).toBeGreaterThan(0);
  expect(agent.held.size).toBe(HOSTS);
  expect(agent.table?.certificates).toHaveLength(HOSTS);
  expect(edge.soft().nodes.get("n1")?.problem).toBeUndefined();
});

test("a table that changes carries none of the certificates again", async () => {
  const agent = new HoldingAgent();
  const { stage, edge } = tended(agent);
  await expect.poll(() => edge.soft().nodes.get("n1")?.acceptedNumber).toBeGreaterThan(0);
  const given = agent.messages.length;
  stage.node("n2");
  edge.committed(stage.state);
  await expect.poll(() => edge.soft().nodes.get("n1")?.acceptedNumber).toBe(stage.state.number);
  expect(agent.messages.slice(given).map(({ kind }) => kind)).toEqual(["ingress-table"]);
});
