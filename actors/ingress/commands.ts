import type { Refusal } from "../../runtime/refusal.ts";
import type { Constraint } from "../deployment/contract.ts";
import type { HostsSettled } from "../host-name/commands.ts";
import type { IngressStatus, PoolProtocol, RouteOptions } from "./contract.ts";

/** A published port that answers on every node that takes traffic. */
export interface FrontendPort {
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  readonly speaks: PoolProtocol;
}

export interface FrontendRoute {
  readonly host: string;
  readonly path: string;
  readonly tls: "on" | "off";
  /** What the replicas speak behind it. */
  readonly speaks: "http" | "grpc";
  readonly options: RouteOptions;
}

/** Everything under which a deployment is to be reached. */
export interface Frontends {
  readonly ports: readonly FrontendPort[];
  /** Bound on the replicas' own nodes by their engines; only kept free of others here. */
  readonly hostPorts: readonly { readonly port: number; readonly protocol: "tcp" | "udp" }[];
  readonly routes: readonly FrontendRoute[];
}

export const NO_FRONTENDS: Frontends = { ports: [], hostPorts: [], routes: [] };

/** Names a frontend within its tenant: `8080/tcp`. */
export function portId({ port, protocol }: { readonly port: number; readonly protocol: "tcp" | "udp" }): string {
  return `${port}/${protocol}`;
}

/** Names a frontend within its tenant: `//app.example.com/path`; no port is called so. */
export function routeId({ host, path }: Pick<FrontendRoute, "host" | "path">): string {
  return `//${host}${path}`;
}

/** Where one replica takes the traffic of one frontend, on its node's address. */
export interface PoolTarget {
  readonly frontend: string;
  readonly port: number;
}

/** What the ingress needs to know of a node. */
export interface IngressNode {
  readonly name: string;
  readonly hostname: string;
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly os: string;
  readonly arch: string;
  /** lost: in nobody's pools, and not waited for. */
  readonly connection: "joined" | "lost";
}

export interface IngressSettings {
  /** Which nodes take traffic; empty: all. */
  readonly constraints: readonly Constraint[];
  /** Whose X-Forwarded-* and PROXY protocol are believed: addresses and networks (CIDR). */
  readonly trustedProxies: readonly string[];
}

/** Connections that a drain deadline cut off. `unknown`: the node had not said that it was done. */
export interface ConnectionsLeft {
  readonly node: string;
  readonly connections: number | "unknown";
}

export interface Withdrawn {
  readonly placementId: string;
  /** Empty: every ingress node had let go of it. */
  readonly left: readonly ConnectionsLeft[];
}

/** How long a proxy may take to follow before a deployment is told that it does not: what it waits for changes nothing any more. */
export const CONFIRM_WITHIN_MS = 30_000;

export interface Served {
  readonly deployment: string;
  readonly rollout: number;
  /** Empty: every ingress node serves it. */
  readonly behind: readonly string[];
}

/** The nodes' ports at which a route answers, over TCP. */
export function webPortsOf(tls: "on" | "off"): readonly number[] {
  return tls === "on" ? [80, 443] : [80];
}

/** What a deployment would have. */
export interface Want {
  readonly deployment: string;
  readonly frontends: Frontends;
}

/** What would become of a reservation. */
export interface IngressLook {
  readonly refused: readonly { readonly deployment: string; readonly refusal: Refusal }[];
  /** Host names that are not the tenant's yet: whether they can be, the owner of host names says. */
  readonly unknownHosts: readonly string[];
}

/** To the ingress. Deployments serve, enter, leave and withdraw, in that order of words and never of time. */
export type IngressCommand =
  /** A question, answered with `IngressLook`; nothing is booked. `taken`: what the owner of host names has said is another tenant's. */
  | { readonly kind: "look"; readonly wants: readonly Want[]; readonly taken: readonly string[] }
  /** Asked before deployments decide: keeps their frontends free for them for a while, or is refused for all, with the holder's name if it is one of ours. */
  | { readonly kind: "reserve"; readonly operation: string; readonly wants: readonly Want[]; readonly taken: readonly string[] }
  /** Of a stack whose change is under way: what its members are and may be reached under, each member once. None: the change is over. */
  | { readonly kind: "keep"; readonly stack: string; readonly wants: readonly Want[] }
  /** Of the owner of host names. */
  | HostsSettled
  /** All frontends of a deployment, as they are now; none: it is gone. */
  | { readonly kind: "serve"; readonly deployment: string; readonly frontends: Frontends }
  /** These are healthy. */
  | {
      readonly kind: "enter";
      readonly deployment: string;
      readonly members: readonly { readonly placementId: string; readonly node: string; readonly targets: readonly PoolTarget[] }[];
    }
  /** These are unhealthy, dead or lost: out of the pools at once. */
  | { readonly kind: "leave"; readonly placementIds: readonly string[] }
  /** These are to be stopped: out of the pools, and answered with `withdrawn` once nothing reaches them any more. */
  | {
      readonly kind: "withdraw";
      readonly deployment: string;
      readonly placements: readonly { readonly placementId: string; readonly drainMs: number }[];
    }
  /** Answered with `served` once what this deployment has told before is served wherever it is to be. A later one takes the place of an earlier. */
  | { readonly kind: "confirm"; readonly deployment: string; readonly rollout: number }
  | { readonly kind: "node-changed"; readonly node: IngressNode }
  | { readonly kind: "node-removed"; readonly name: string }
  /** By a person. Absent fields stay. */
  | { readonly kind: "update"; readonly constraints?: readonly Constraint[]; readonly trustedProxies?: readonly string[] }
  /** Of the edge: what the nodes say closes these withdrawals, and confirms these. */
  | { readonly kind: "conclude"; readonly withdrawals: readonly Withdrawn[]; readonly served: readonly Served[] }
  /** Certificates or challenges have changed: the tables need a new number. */
  | { readonly kind: "renumber" }
  | { readonly kind: "wake" };

/** From the ingress to a deployment. */
export type IngressAnswer =
  /** Nothing leads to these any more. */
  | { readonly kind: "withdrawn"; readonly placements: readonly Withdrawn[] }
  /** What was to be confirmed for this rollout is served; behind: nodes that do not serve it, when they were waited for long enough. */
  | { readonly kind: "served"; readonly rollout: number; readonly behind: readonly string[] };

/** From a node's edge, soft: what its proxy does. A new session is a new life of its agent, which may hold another table than the last. */
export interface IngressReport {
  readonly kind: "ingress-status";
  readonly node: string;
  readonly session: string;
  readonly status: IngressStatus;
}
