import { z } from "zod";
import { addressOf, isId } from "../../runtime/address.ts";
import { defineOperation, type Operation } from "../catalogue.ts";
import { nodeRefusals as refusals } from "./refusals.ts";

const DECISION_TIMEOUT_MS = 15_000;
const Input = z.strictObject({ name: z.string().min(1).max(63) });
const Output = z.object({ name: z.string(), availability: z.enum(["active", "cordoned", "draining", "drained"]) });

function change(verb: "cordon" | "uncordon" | "drain", title: string, description: string, effect: "write" | "destructive"): Operation {
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
    handle: async ({ name }, { host, tenant, meta, reads }) => {
      // A node exists once its agent has joined; asking an actor of any other name would bring one to life.
      const { row } = isId(name) ? await reads.row("node", name) : { row: undefined };
      return row === undefined
        ? refusals["node.not-found"]({ name })
        : host.ask(addressOf(tenant, "node", name), { kind: verb }, meta, { timeoutMs: DECISION_TIMEOUT_MS });
    },
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
];
