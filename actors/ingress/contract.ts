import { z } from "zod";

/** What the ingress actor tells an ingress node's agent, and what the agent answers. Desired and observed never share a type. */

/** On a node these ports are the platform's own; nobody can publish them. First and last, inclusive. */
export const RESERVED_PORTS = {
  /** Where the proxy listens; reached by redirects alone. Two halves: while a new proxy takes over, the old one keeps its half. */
  entryPoints: [20_000, 20_399],
  /**
   * Where an ingress node reaches replicas on their own node: one port a placement and container port. Above the well-known ones (Minecraft 25565,
   * CockroachDB 26257, Steam 27015, MongoDB 27017), below those that Linux gives to connections (32768).
   */
  replicas: [28_200, 31_999],
} as const;

/** How long a replica that left the pools may go on answering what it has begun, unless its deployment says otherwise. Milliseconds. */
export const DEFAULT_DRAIN_MS = 30_000;
export const MAX_DRAIN_MS = 3_600_000;

/** Bounds of one node's table. Beyond them a deployment is refused when it is made. */
export const MAX_BALANCED_PORTS = 128;
export const MAX_ROUTES = 1_000;
export const MAX_POOL_MEMBERS = 1_000;

/**
 * tcp: by connection. http: by request, also over one connection; WebSocket and server-sent events included. grpc: as http, and the replicas are spoken to
 * over HTTP/2 in clear. udp: by source.
 */
export const PoolProtocol = z.enum(["http", "grpc", "tcp", "udp"]);
export type PoolProtocol = z.infer<typeof PoolProtocol>;

/** Where one replica takes a pool's traffic. */
export const PoolMember = z.strictObject({
  placementId: z.string().min(1).max(120),
  /** Of the replica's node, on the network between the nodes. */
  address: z.string().min(1).max(253),
  port: z.int().min(1).max(65_535),
});
export type PoolMember = z.infer<typeof PoolMember>;

/** The healthy replicas behind a published port or a route. Empty: requests are answered with 503 (http, grpc) or closed (tcp). */
export const Pool = z.strictObject({
  /** `web/8080/tcp`, or `web///app.example.com/path`: stable, so that a change of members is a change of nothing else. */
  id: z.string().min(1).max(400),
  protocol: PoolProtocol,
  members: z.array(PoolMember).max(MAX_POOL_MEMBERS),
  /** Requests of one client stay with one replica, by a cookie, for as long as it is in the pool. http and grpc only. */
  sticky: z.boolean().default(false),
  /** Until the first byte of a replica's answer; absent: no bound. http and grpc only. */
  requestTimeoutMs: z.int().min(1).optional(),
});
export type Pool = z.infer<typeof Pool>;

/** A port that answers on the node. */
export const BalancedPort = z.strictObject({
  port: z.int().min(1).max(65_535),
  protocol: z.enum(["tcp", "udp"]),
  /** Id of a pool; its protocol decides whether connections or requests are balanced. */
  pool: z.string(),
});
export type BalancedPort = z.infer<typeof BalancedPort>;

const anyAddressRange = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);

/** An address or a network (CIDR), of either version. */
export const AddressRange = z
  .string()
  .max(50)
  .refine((text) => anyAddressRange.safeParse(text).success, "write an address or a network, like 10.0.0.0/8");

/** What a route does to requests on their way. */
export const RouteOptions = z.strictObject({
  sticky: z.boolean().default(false),
  requestTimeoutMs: z.int().min(1).max(3_600_000).optional(),
  /**
   * Larger bodies are answered with 413. Requests and answers are held back until they are whole, so server-sent events and gRPC streams come at their end;
   * WebSocket is not touched.
   */
  maxBodyBytes: z
    .int()
    .min(1)
    .max(2 ** 40)
    .optional(),
  compress: z.boolean().default(false),
  /** `name:hash`, bcrypt or apr1 as htpasswd writes them: never a password in clear. */
  basicAuth: z
    .array(z.string().regex(/^[^:\s]+:\$(2[aby]|apr1)\$\S+$/, "write name:hash as htpasswd -B prints it"))
    .max(100)
    .default([]),
  /** Addresses and networks (CIDR) that may ask; empty: everybody. */
  allow: z.array(AddressRange).max(100).default([]),
  /** Requests a second and client address, and how many at once above that. Beyond: 429. */
  rateLimit: z.strictObject({ averagePerSecond: z.int().min(1).max(1_000_000), burst: z.int().min(1).max(1_000_000) }).optional(),
});
export type RouteOptions = z.infer<typeof RouteOptions>;

const HOST = /^(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
export const RouteHost = z
  .string()
  .max(253)
  .regex(
    HOST,
    "a host is a name like app.example.com: in lower case, without a dot at its end, beyond ASCII in its xn-- form; *.example.com stands for one label",
  );
export const RoutePath = z
  .string()
  .max(1_000)
  .regex(/^\/[!-~]*$/, "a path begins with / and holds no spaces")
  .refine((path) => !/[`"\\]/.test(path), "a path holds no quotation marks and no backslash");

/** A host name, and a path below it, that answers on ports 80 and 443 of the node. */
export const IngressRoute = z.strictObject({
  host: RouteHost,
  /** Prefix of the request's path. */
  path: RoutePath,
  pool: z.string(),
  /** on: answered on 443, and 80 redirects there. off: answered on 80. */
  tls: z.enum(["on", "off"]),
  options: RouteOptions,
});
export type IngressRoute = z.infer<typeof IngressRoute>;

/** Of a certificate with its key: another pair has another one, and it tells nothing of either. */
export const CertificateId = z.string().regex(/^[0-9a-f]{64}$/);

/** Goes over the encrypted bus and to a file that only the agent and its proxy can read; in no log, journal, audit or answer. */
export const IngressCertificate = z.strictObject({
  id: CertificateId,
  /** PEM, leaf first. */
  chain: z.string().max(100_000),
  /** PEM. */
  privateKey: z.string().max(20_000),
});
export type IngressCertificate = z.infer<typeof IngressCertificate>;

/** Proof of control of a host name, answered by every ingress node at `/.well-known/acme-challenge/TOKEN` on port 80 (RFC 8555, 8.3). */
export const IngressChallenge = z.strictObject({
  token: z.string().regex(/^[A-Za-z0-9_-]{1,200}$/),
  keyAuthorization: z.string().max(500),
});
export type IngressChallenge = z.infer<typeof IngressChallenge>;

/** The whole of what a node's proxy should do; a greater (epoch, number) replaces a smaller one. Answered with `accepted` once it is on the agent's disk. */
export const IngressTable = z.strictObject({
  kind: z.literal("ingress-table"),
  tenant: z.string(),
  node: z.string(),
  epoch: z.int().min(0),
  number: z.int().min(0),
  ports: z.array(BalancedPort).max(MAX_BALANCED_PORTS),
  routes: z.array(IngressRoute).max(MAX_ROUTES),
  pools: z.array(Pool),
  /** Which it serves. The agent answers with those that it lacks, and is given them before the table: they are large, and tables change often. */
  certificates: z.array(CertificateId).max(MAX_ROUTES),
  challenges: z.array(IngressChallenge).max(MAX_ROUTES),
  /** Addresses of the ingress nodes: who else may reach this node's replica ports. Told to every node, also to one that takes no traffic itself. */
  peers: z.array(z.string()).max(1_000),
  /** Whose X-Forwarded-* and PROXY protocol are believed: addresses and networks (CIDR). */
  trustedProxies: z.array(z.string()).max(100),
});
export type IngressTable = z.infer<typeof IngressTable>;

/** Some of the certificates that the next table names. Answered with `kept` once they are on the agent's disk. */
export const IngressCertificates = z.strictObject({
  kind: z.literal("ingress-certificates"),
  tenant: z.string(),
  node: z.string(),
  certificates: z.array(IngressCertificate).min(1).max(MAX_ROUTES),
});
export type IngressCertificates = z.infer<typeof IngressCertificates>;

/** To a table, or to certificates. */
export const TableAnswer = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("accepted"), epoch: z.int(), number: z.int() }),
  /** Not taken: the agent does not hold these certificates. */
  z.strictObject({ kind: z.literal("lacking"), certificates: z.array(CertificateId).min(1).max(MAX_ROUTES) }),
  z.strictObject({ kind: z.literal("kept") }),
  /** The agent holds a newer one. */
  z.strictObject({ kind: z.literal("stale"), epoch: z.int(), number: z.int() }),
  z.strictObject({ kind: z.literal("not-stored"), message: z.string() }),
]);
export type TableAnswer = z.infer<typeof TableAnswer>;

/** How a node's proxy stands. */
export const ProxyState = z.discriminatedUnion("state", [
  /** No port and no route asks for it. */
  z.strictObject({ state: z.literal("idle") }),
  z.strictObject({ state: z.literal("starting") }),
  z.strictObject({ state: z.literal("running"), version: z.string(), sinceMs: z.number() }),
  /** One sentence: what is missing, and what to do. */
  z.strictObject({ state: z.literal("unavailable"), reason: z.string().max(1_000) }),
]);
export type ProxyState = z.infer<typeof ProxyState>;

/** Observed: what the proxy of a node really does. Told when it changes and with every heartbeat; the newest counts. */
export const IngressStatus = z.strictObject({
  proxy: ProxyState,
  /** The newest table that the proxy itself was seen to serve: whatever is not in its pools gets no new request from this node. Zeros: none yet. */
  serving: z.strictObject({ epoch: z.int(), number: z.int() }),
  /** Ports of the table that do not answer, each with one sentence: in use by another program, ... */
  failedPorts: z
    .array(z.strictObject({ port: z.int(), protocol: z.enum(["tcp", "udp"]), reason: z.string().max(500) }))
    .max(MAX_BALANCED_PORTS + 2),
  /** Replicas that are in no pool of that table and still have connections from this node's proxy. */
  draining: z.array(z.strictObject({ placementId: z.string(), connections: z.int().min(1) })),
});
export type IngressStatus = z.infer<typeof IngressStatus>;
