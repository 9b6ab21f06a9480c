import { z } from "zod";
import { defineOperation, type Operation } from "../catalogue.ts";
import { nodeProxy, readIngress, type IngressNow } from "../ingress/reads.ts";
import { nearestRow } from "../nearest-row.ts";
import { page, pageOf, paging } from "../paging.ts";
import { READERS } from "../read-roles.ts";
import { NodeView } from "../views.ts";
import { MAX_TOLD_IMAGES, NodeImage } from "./images-contract.ts";
import { knownImages } from "./known-images.ts";
import { observedNode, readNode } from "./node-reads.ts";
import { nodeRefusals } from "./refusals.ts";

export const NodeName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "a node's name is 1 to 63 characters: a-z, 0-9 and -");

const NodeImagesView = z.object({
  node: z.string(),
  /** The largest first. */
  items: z.array(NodeImage),
  /** Further ones, which the node does not tell. */
  leftOut: z.number(),
  /** What all of them take, layers they share counted once. Absent: the engine does not say. */
  diskBytes: z.number().optional(),
  /** When the engine last said so. */
  seenAtMs: z.number(),
});

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
  defineOperation({
    name: "nodes.images",
    title: "List the images on a node",
    description: `What its engine has, whoever brought it: names with tags and digests, size with the layers it shares with others, and what all of them take together. At most the ${MAX_TOLD_IMAGES} largest are listed. Refused while it is not known.`,
    input: z.strictObject({ name: NodeName }),
    output: NodeImagesView,
    roles: READERS,
    errors: ["node.not-found", "node.images-unknown"],
    http: { method: "GET", path: "/nodes/{name}/images" },
    example: "nodes images n1",
    effect: "read",
    handle: async ({ name }, context) => {
      const node = await readNode(context, name);
      if (node === undefined) return nodeRefusals["node.not-found"]({ name, nearest: await nearestRow(context.reads, "node", name) });
      const known = knownImages(node, context.clock.nowMs());
      if (known.kind === "unknown") return nodeRefusals["node.images-unknown"]({ name, reason: known.reason });
      const { images: items, ...counted } = known.told;
      return { kind: "ok", value: { node: name, items, ...counted, seenAtMs: known.seenAtMs } };
    },
  }),
];
