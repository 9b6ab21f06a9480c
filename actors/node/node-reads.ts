import { addressOf } from "../../runtime/address.ts";
import type { OperationContext } from "../catalogue.ts";
import { NodeRow, type NodeSoft, type NodeView } from "../views.ts";
import { nodeStatus } from "./status.ts";

/** A tenant has at most so many nodes in one look; the product is made for 300. */
const MAX_NODES_READ = 1_000;

/** A node as people see it, with what its actor knows beyond the row. */
export interface ObservedNode {
  readonly view: NodeView;
  readonly soft: NodeSoft | undefined;
}

export async function readNode(context: OperationContext, name: string): Promise<ObservedNode | undefined> {
  const { row } = await context.reads.row("node", name);
  return row === undefined ? undefined : observedNode(context, row.body);
}

/** Every node of the tenant, by name. */
export async function readNodes(context: OperationContext): Promise<ReadonlyMap<string, ObservedNode>> {
  const { items } = await context.reads.rows({ kind: "node", limit: MAX_NODES_READ });
  return new Map(items.map((row) => [row.id, observedNode(context, row.body)]));
}

export function observedNode(context: OperationContext, body: unknown): ObservedNode {
  const row = NodeRow.parse(body);
  const soft = context.host.soft(addressOf(context.tenant, "node", row.name)) as NodeSoft | undefined;
  const view: NodeView = {
    ...row,
    ...nodeStatus(row, soft, context.clock.nowMs()),
    ...(soft?.lastHeardAtMs === undefined ? {} : { lastHeardAtMs: soft.lastHeardAtMs }),
    ...(soft?.sample === undefined ? {} : { sample: soft.sample }),
    ...(soft?.agentAssignment === undefined ? {} : { agentAssignment: soft.agentAssignment }),
  };
  return { view, soft };
}
