import { holds } from "../scheduler/constraints.ts";
import { ClaimBook } from "./claims.ts";
import { portId, routeId, type IngressNode } from "./commands.ts";
import {
  MAX_POOL_MEMBERS,
  type BalancedPort,
  type IngressChallenge,
  type IngressRoute,
  type IngressTable,
  type Pool,
  type PoolMember,
} from "./contract.ts";
import type { IngressState } from "./state.ts";

/** What every ingress node is told alike. */
export interface Traffic {
  readonly ports: readonly BalancedPort[];
  readonly routes: readonly IngressRoute[];
  readonly pools: readonly Pool[];
}

export interface Keys {
  /** Their ids. */
  readonly certificates: readonly string[];
  readonly challenges: readonly IngressChallenge[];
}

/** Whether the node takes traffic for others. */
export function isIngressNode({ settings }: Pick<IngressState, "settings">, node: IngressNode): boolean {
  return settings.constraints.every((constraint) => holds(constraint, node));
}

/** Frontends whose claims and host names are in force, and behind each the members on nodes that are not lost. */
export function trafficOf(state: IngressState): Traffic {
  const book = new ClaimBook(state.claims);
  const hosts = new Set(state.hosts.granted);
  const members = membersByPool(state);
  const [ports, routes, pools]: [BalancedPort[], IngressRoute[], Pool[]] = [[], [], []];
  for (const [deployment, frontends] of Object.entries(state.frontends).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const poolOf = (frontend: string): Pick<Pool, "id" | "members"> => {
      const id = `${deployment}/${frontend}`;
      return { id, members: members.get(id) ?? [] };
    };
    for (const port of frontends.ports) {
      if (book.holder(deployment, portId(port), "exclusive") !== undefined) continue;
      const pool = poolOf(portId(port));
      pools.push({ ...pool, protocol: port.speaks, sticky: false });
      ports.push({ port: port.port, protocol: port.protocol, pool: pool.id });
    }
    if (book.routesHolder(deployment) !== undefined) continue;
    for (const { speaks, ...route } of frontends.routes) {
      if (!hosts.has(route.host) || book.holder(deployment, routeId(route), "exclusive") !== undefined) continue;
      const { sticky, requestTimeoutMs } = route.options;
      const pool = poolOf(routeId(route));
      pools.push({ ...pool, protocol: speaks, sticky, ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }) });
      routes.push({ ...route, pool: pool.id });
    }
  }
  return { ports, routes, pools };
}

/** By pool, in the order of their ids, so that the same members are always told alike. */
function membersByPool({ members, nodes }: IngressState): ReadonlyMap<string, PoolMember[]> {
  const result = new Map<string, PoolMember[]>();
  for (const { placementId, deployment, node: name, targets } of Object.values(members).toSorted((a, b) =>
    a.placementId < b.placementId ? -1 : 1,
  )) {
    const node = nodes[name];
    if (node === undefined || node.connection === "lost") continue;
    for (const { frontend, port } of targets) {
      const id = `${deployment}/${frontend}`;
      const pool = result.get(id);
      const member = { placementId, address: node.address, port };
      if (pool === undefined) result.set(id, [member]);
      else if (pool.length < MAX_POOL_MEMBERS) pool.push(member);
    }
  }
  return result;
}

const NOTHING: Traffic & Keys = { ports: [], routes: [], pools: [], certificates: [], challenges: [] };

/** The whole of what one node is told. A node that takes no traffic hears only who may reach its replicas. */
export function tableOf(
  state: IngressState,
  node: IngressNode,
  told: Traffic & Keys,
  { tenant, epoch }: { readonly tenant: string; readonly epoch: number },
): IngressTable {
  const { ports, routes, pools, certificates, challenges } = isIngressNode(state, node) ? told : NOTHING;
  return {
    kind: "ingress-table",
    tenant,
    node: node.name,
    epoch,
    number: state.number,
    ports: [...ports],
    routes: [...routes],
    pools: [...pools],
    certificates: [...certificates],
    challenges: [...challenges],
    peers: peersOf(state),
    trustedProxies: [...state.settings.trustedProxies],
  };
}

function peersOf(state: IngressState): string[] {
  const addresses = Object.values(state.nodes).flatMap((node) => (isIngressNode(state, node) ? [node.address] : []));
  return [...new Set(addresses)].sort();
}
