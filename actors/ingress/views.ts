import { z } from "zod";
import { CertificateView } from "../certificate/contract.ts";
import { Constraint } from "../deployment/contract.ts";
import { PoolProtocol, ProxyState, RouteOptions } from "./contract.ts";

/** Rows of the read model and answers of the reading operations. Wall-clock times are milliseconds since the epoch. */

/** Row kind `ingress`, id `settings`. */
export const IngressRow = z.object({
  /** Of the newest tables. */
  number: z.number(),
  constraints: z.array(Constraint),
  trustedProxies: z.array(z.string()),
});
export type IngressRow = z.infer<typeof IngressRow>;

/** Row kind `ingress-port`, id = id of its pool, parent = deployment. */
export const PortRow = z.object({
  pool: z.string(),
  port: z.number(),
  protocol: z.enum(["tcp", "udp"]),
  speaks: PoolProtocol,
  deployment: z.string(),
  /** The deployment whose claim is the earlier one. */
  heldBy: z.string().optional(),
});
export type PortRow = z.infer<typeof PortRow>;

/** Row kind `ingress-route`, id = id of its pool, parent = deployment. */
export const RouteRow = z.object({
  pool: z.string(),
  host: z.string(),
  path: z.string(),
  tls: z.enum(["on", "off"]),
  speaks: z.enum(["http", "grpc"]),
  /** Without what basic auth compares with. */
  options: RouteOptions.omit({ basicAuth: true }).extend({ users: z.array(z.string()) }),
  deployment: z.string(),
  /** granted: this tenant's. taken: another's, and the route answers once it is free. asked: not known yet. */
  hostName: z.enum(["granted", "taken", "asked"]),
  heldBy: z.string().optional(),
});
export type RouteRow = z.infer<typeof RouteRow>;

/** Row kind `ingress-member`, id = placement id, parent = deployment. */
export const MemberRow = z.discriminatedUnion("phase", [
  z.object({ phase: z.literal("in-pool"), sinceMs: z.number(), pools: z.array(z.string()) }),
  /** Out of all tables from this number on. */
  z.object({ phase: z.literal("draining"), sinceMs: z.number(), number: z.number(), deadlineAtMs: z.number() }),
]);
export type MemberRow = z.infer<typeof MemberRow>;

/** How a replica stands to the pools at the moment of looking. */
export const PoolState = z.discriminatedUnion("phase", [
  /** New requests reach it. */
  z.object({ phase: z.literal("in-pool"), sinceMs: z.number() }),
  z.object({
    phase: z.literal("draining"),
    sinceMs: z.number(),
    deadlineAtMs: z.number(),
    /** Requests and connections that nodes have told of. */
    connections: z.number(),
    /** Nodes that have not yet said that they send it nothing new. */
    waitingFor: z.array(z.string()),
  }),
]);
export type PoolState = z.infer<typeof PoolState>;

const WherePending = z.object({
  node: z.string(),
  /** One sentence. */
  reason: z.string(),
});

const answering = {
  /** answers: on every node that takes traffic. partly: on some. pending: nowhere. */
  status: z.enum(["answers", "partly", "pending"]),
  /** One sentence. */
  reason: z.string(),
  answersOn: z.array(z.string()),
  pending: z.array(WherePending),
  /** Healthy replicas behind it. */
  members: z.number(),
};

export const PortView = PortRow.extend(answering);
export type PortView = z.infer<typeof PortView>;

export const RouteView = RouteRow.extend(answering).extend({
  /** What answers for the host; absent without TLS, and until the first is there. */
  certificate: CertificateView.pick({ name: true, source: true, state: true, reason: true, notAfterMs: true }).optional(),
});
export type RouteView = z.infer<typeof RouteView>;

const PoolMemberView = z.object({ placementId: z.string(), state: PoolState });

export const PoolView = z.object({
  id: z.string(),
  deployment: z.string(),
  members: z.array(PoolMemberView),
});
export type PoolView = z.infer<typeof PoolView>;

/** What a node does for published ports and routes. */
export const NodeProxyView = z.object({
  /** Whether the settings choose it. */
  takesTraffic: z.boolean(),
  /** Absent: nothing was heard of it. */
  proxy: ProxyState.optional(),
  /** Number of the table it serves, and of the newest. */
  serving: z.number().optional(),
  newest: z.number(),
  /** One sentence: why it does not do what it should; absent when it does. */
  trouble: z.string().optional(),
  failedPorts: z.array(z.object({ port: z.number(), protocol: z.enum(["tcp", "udp"]), reason: z.string() })),
  heardAtMs: z.number().optional(),
});
export type NodeProxyView = z.infer<typeof NodeProxyView>;

export const IngressView = IngressRow.extend({ nodes: z.array(NodeProxyView.extend({ name: z.string() })) });
