import type { Decision } from "../../runtime/actor.ts";
import { addressOf } from "../../runtime/address.ts";
import type { IngressCommand } from "../ingress/commands.ts";
import type { SchedulerCommand } from "../scheduler/contract.ts";
import { nodeRefusals as refusals } from "./refusals.ts";
import { gone, reports } from "./reports.ts";
import type { NodeEvent, NodeState } from "./state.ts";

const OPERATION = "nodes.remove";

/**
 * Only a node that is lost. Whoever removes it says that it will not be back: replicas that were waited for are gone with it, and the scheduler sets nothing
 * aside on it any more. One that still answers would be back with its next word, and its replicas with it.
 */
export function decideRemoval(tenant: string, state: NodeState): Decision<NodeEvent> {
  const { name, availability, connection } = state;
  const audit = { operation: OPERATION };
  if (state.facts === undefined) return { kind: "refuse", refusal: refusals["node.not-found"]({ name }), audit };
  if (connection === "joined")
    return { kind: "refuse", refusal: refusals["node.answers"]({ name, replicas: Object.keys(state.placements).length }), audit };
  const removed = { kind: "node-removed", name } as const satisfies SchedulerCommand & IngressCommand;
  return {
    kind: "accept",
    events: [{ type: "node.removed" }],
    messages: [
      ...["scheduler", "ingress"].map((kind) => ({ to: addressOf(tenant, kind), message: removed })),
      ...reports(tenant, Object.values(state.placements), gone(name)),
    ],
    reply: { name },
    audit: [{ ...audit, before: { availability, connection, placements: Object.keys(state.placements) } }],
  };
}
