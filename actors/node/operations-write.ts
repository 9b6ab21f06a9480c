import { z } from "zod";
import { addressOf, isId } from "../../runtime/address.ts";
import type { Reply } from "../../runtime/actor.ts";
import { defineOperation, type Operation, type OperationContext } from "../catalogue.ts";
import { withNearest } from "../nearest-row.ts";
import type { NodeCommand } from "./messages.ts";
import { nodeRefusals as refusals } from "./refusals.ts";

const DECISION_TIMEOUT_MS = 15_000;
type NodeVerb = "cordon" | "uncordon" | "drain" | "remove";
const Input = z.strictObject({ name: z.string().min(1).max(63) });
/** Asked whether the node exists or not: only the actor remembers what it answered to this very command, also when the node was removed since. */
const command = async (name: string, verb: NodeVerb, { host, tenant, meta, reads }: OperationContext): Promise<Reply> => {
  const reply = isId(name)
    ? await host.ask(addressOf(tenant, "node", name), { kind: verb } satisfies NodeCommand, meta, { timeoutMs: DECISION_TIMEOUT_MS })
    : refusals["node.not-found"]({ name });
  return withNearest(reply, refusals["node.not-found"], "node", name, reads);
};
const Output = z.object({ name: z.string(), availability: z.enum(["active", "cordoned", "draining", "drained"]) });

function change(verb: Exclude<NodeVerb, "remove">, title: string, description: string, effect: "write" | "destructive"): Operation {
  return defineOperation({
    name: `nodes.${verb}`,
    title,
    description,
    effect,
    input: Input,
    output: Output,
    roles: ["admin", "operator"],
    errors: ["node.not-found"],
    http: { method: "POST", path: `/nodes/{name}/${verb}` },
    example: `${verb} n1`,
    handle: ({ name }, context) => command(name, verb, context),
  });
}

export const nodeWrites: readonly Operation[] = [
  change("cordon", "Take no new replicas on a node", "Those it has stay. Undone by uncordon.", "write"),
  change("uncordon", "Let a node take replicas again", "Also ends a drain; replicas that left do not come back by themselves.", "write"),
  change(
    "drain",
    "Move all replicas off a node",
    "Each is replaced elsewhere before it is stopped, within its deployment's update policy. The node takes no new ones until it is uncordoned.",
    "destructive",
  ),
  defineOperation({
    name: "nodes.remove",
    title: "Forget a node that is gone",
    description:
      "What was set aside on it is free, replicas that waited for it are placed elsewhere, and it is listed no more. Refused while it answers: drain it, stop its agent, and wait until it is unreachable. An agent that comes back under the name joins as a new, empty node and stops what it still runs.",
    effect: "destructive",
    input: Input,
    output: z.object({ name: z.string() }),
    roles: ["admin", "operator"],
    errors: ["node.not-found", "node.answers"],
    http: { method: "DELETE", path: "/nodes/{name}" },
    example: "remove n3",
    handle: ({ name }, context) => command(name, "remove", context),
  }),
];
