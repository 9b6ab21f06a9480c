import { z } from "zod";
import { defineOperation, type Operation } from "../catalogue.ts";
import { nodeProxy, readIngress, type IngressNow } from "../ingress/reads.ts";
import { nearestRow } from "../nearest-row.ts";
import { page, pageOf, paging } from "../paging.ts";
import { READERS } from "../read-roles.ts";
import { NodeView } from "../views.ts";
import { observedNode, readNode } from "./node-reads.ts";
import { nodeRefusals } from "./refusals.ts";

export const NodeName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "a node's name is 1 to 63 characters: a-z, 0-9 and -");

function withProxy(now: IngressNow, view: NodeView): NodeView {
  return { ...view, ingress: nodeProxy(now, view) };
}

/** Reading operations of nodes. */
export const nodeReads: readonly Operation[] = [
  defineOperation({
    name: "nodes.list",
    title: "List the nodes",
    description:
      "Every node with its status, how long ago it was heard of, what it has and what of it is used. A node that has been silent is unknown, never healthy.",
    input: z.strictObject(paging),
    output: pageOf(NodeView),
    roles: READERS,
    errors: [],
    http: { method: "GET", path: "/nodes" },
    example: "nodes",
    effect: "read",
    handle: async ({ limit, cursor }, context) => {
      const [now, found] = await Promise.all([
        readIngress(context),
        context.reads.rows({ kind: "node", limit, ...(cursor === undefined ? {} : { cursor }) }),
      ]);
      return page(
        found.items.map((row) => withProxy(now, observedNode(context, row.body).view)),
        found.next,
        found.asOfOffset,
      );
    },
  }),
  defineOperation({
    name: "nodes.get",
    title: "Show one node",
    description: "A node with its status and why it is so, its engine and agent, its labels, its resources and their use.",
    input: z.strictObject({ name: NodeName }),
    output: NodeView,
    roles: READERS,
    errors: ["node.not-found"],
    http: { method: "GET", path: "/nodes/{name}" },
    example: "nodes get n1",
    effect: "read",
    handle: async ({ name }, context) => {
      const [now, node] = await Promise.all([readIngress(context), readNode(context, name)]);
      if (node !== undefined) return { kind: "ok", value: withProxy(now, node.view) };
      return nodeRefusals["node.not-found"]({ name, nearest: await nearestRow(context.reads, "node", name) });
    },
  }),
];
