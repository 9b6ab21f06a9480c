import { z } from "zod";
import { defineOperation, type Operation, type OperationContext } from "../catalogue.ts";
import { readServing } from "../certificate/certificate-reads.ts";
import { DeploymentName } from "../deployment/contract.ts";
import { readNodes } from "../node/node-reads.ts";
import { page, pageOf, paging } from "../paging.ts";
import { READERS } from "../read-roles.ts";
import { membersByPool, portView, routeView, type Proxies } from "./answering.ts";
import { nodeProxy, poolState, readIngress, readMembers } from "./reads.ts";
import { IngressView, PoolView, PortRow, PortView, RouteRow, RouteView } from "./views.ts";

const filter = { deployment: DeploymentName.optional().describe("Only of this deployment."), ...paging };

/** Every node with what its proxy does. */
export async function readProxies(context: OperationContext): Promise<Proxies> {
  const [now, nodes] = await Promise.all([readIngress(context), readNodes(context)]);
  return new Map([...nodes].map(([name, { view }]) => [name, nodeProxy(now, view)]));
}

function query({ deployment, limit, cursor }: { deployment?: string | undefined; limit: number; cursor?: string | undefined }) {
  return { limit, ...(deployment === undefined ? {} : { parent: deployment }), ...(cursor === undefined ? {} : { cursor }) };
}

/** Reading operations of the ingress. */
export const ingressReads: readonly Operation[] = [
  defineOperation({
    name: "ingress.get",
    title: "Show how traffic comes in",
    description: "Which nodes take traffic, what the proxy of each does, and whether it serves the newest table.",
    input: z.strictObject({}),
    output: IngressView,
    roles: READERS,
    errors: [],
    http: { method: "GET", path: "/ingress" },
    example: "ingress",
    effect: "read",
    handle: async (_input, context) => {
      const [{ row }, proxies] = await Promise.all([readIngress(context), readProxies(context)]);
      return { kind: "ok", value: { ...row, nodes: [...proxies].map(([name, proxy]) => ({ name, ...proxy })) } };
    },
  }),
  defineOperation({
    name: "ingress.ports",
    title: "List the published ports",
    description:
      "Every balanced port with its deployment, on which nodes it answers and over how many replicas; where it does not answer, why. Ports in host mode are bound on their replicas' nodes and not listed.",
    input: z.strictObject(filter),
    output: pageOf(PortView),
    roles: READERS,
    errors: [],
    http: { method: "GET", path: "/ingress/ports" },
    example: "ports",
    effect: "read",
    handle: async ({ deployment, limit, cursor }, context) => {
      const [proxies, members, found] = await Promise.all([
        readProxies(context),
        membersByPool(context, deployment),
        context.reads.rows({ kind: "ingress-port", ...query({ deployment, limit, cursor }) }),
      ]);
      const items = found.items.map(({ id, body }) => portView(PortRow.parse(body), members.get(id) ?? 0, proxies));
      return page(items, found.next, found.asOfOffset);
    },
  }),
  defineOperation({
    name: "ingress.routes",
    title: "List the routes",
    description:
      "Every host and path with its deployment and options, on which nodes it answers and over how many replicas; where it does not answer, why.",
    input: z.strictObject(filter),
    output: pageOf(RouteView),
    roles: READERS,
    errors: [],
    http: { method: "GET", path: "/ingress/routes" },
    example: "routes",
    effect: "read",
    handle: async ({ deployment, limit, cursor }, context) => {
      const [proxies, members, serving, found] = await Promise.all([
        readProxies(context),
        membersByPool(context, deployment),
        readServing(context),
        context.reads.rows({ kind: "ingress-route", ...query({ deployment, limit, cursor }) }),
      ]);
      const items = found.items.map(({ id, body }) => routeView(RouteRow.parse(body), members.get(id) ?? 0, proxies, serving));
      return page(items, found.next, found.asOfOffset);
    },
  }),
  defineOperation({
    name: "ingress.pools",
    title: "List the pools with their replicas",
    description:
      "Behind every published port and route: the replicas that take its traffic and since when. Replicas that are leaving are listed with their deployment, with the connections they still have.",
    input: z.strictObject({ deployment: DeploymentName.optional().describe("Only of this deployment.") }),
    output: z.object({
      pools: z.array(PoolView),
      leaving: z.array(PoolView.shape.members.element.extend({ deployment: z.string() })),
    }),
    roles: READERS,
    errors: [],
    http: { method: "GET", path: "/ingress/pools" },
    example: "ingress pools",
    effect: "read",
    handle: async ({ deployment }, context) => ({ kind: "ok", value: await poolsOf(context, deployment) }),
  }),
];

async function poolsOf(context: OperationContext, deployment: string | undefined) {
  const [now, members] = await Promise.all([readIngress(context), readMembers(context, deployment)]);
  const pools = new Map<string, PoolView>();
  const leaving: ({ readonly deployment: string } & PoolView["members"][number])[] = [];
  for (const [placementId, { deployment: owner, row }] of members) {
    const member = { placementId, state: poolState(row, now, placementId) };
    if (row.phase === "draining") leaving.push({ deployment: owner, ...member });
    else
      for (const id of row.pools) {
        const pool = pools.get(id) ?? { id, deployment: owner, members: [] };
        pool.members.push(member);
        pools.set(id, pool);
      }
  }
  return { pools: [...pools.values()], leaving };
}
