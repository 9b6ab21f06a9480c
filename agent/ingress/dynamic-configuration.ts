import type { IngressCertificate, IngressTable, Pool, PoolMember } from "../../actors/ingress/contract.ts";
import { type Allocation, entryPointName, type Half, portKey, restingEntryPoints, WEB_OFFSET } from "./entry-points.ts";
import { proofRoutes } from "./proof-routes.ts";
import { routeRouters } from "./route-routers.ts";
import { lastMiddlewares, type Named, nameOf, RETRY, type Router } from "./router.ts";

/** Between a wish and what the proxy is given. */
export interface RoutesInput {
  readonly table: IngressTable;
  /** Those that the table names. */
  readonly certificates: readonly IngressCertificate[];
  readonly withheld: ReadonlySet<string>;
  readonly allocation: Allocation;
  /** Where the agent answers proofs of control of a host name. Undefined: there are none. */
  readonly challengePort: number | undefined;
  /** A proxy that hands over to another: clients that keep their connection are asked to open another one. */
  readonly isRetiring: boolean;
}

/** To open a connection to a replica; then another one is tried. */
const DIAL_TIMEOUT = "1s";
/** Short, so that a connection that is open to a replica is a request under way, and shorter than what servers close idle connections after. */
const IDLE_TIMEOUT = "500ms";
const MAX_IDLE_CONNECTIONS = 256;
/** How long the other direction of a connection may go on after one was closed. */
const HALF_CLOSED_TIMEOUT = "60s";
/**
 * A request whose connection was refused or came to nothing goes to the next replica, whatever its method; one that a replica may have seen does not. Which is
 * next is shared by all requests, so one may meet the same dead replica again: with half of them dead, 16 attempts fail once in 65,000.
 */
const ATTEMPTS = 16;
/** No attempt is begun later; one that was may take as long as it takes. */
const ATTEMPTS_TIMEOUT = "5s";
const CHALLENGE_PRIORITY = 1_000_000;

const RETIRE = "retire";
const CHALLENGES = "challenges";
const CLOSED = "closed";

/**
 * The proxy's whole dynamic configuration for one half. The marker tells it from every other. It is never empty: an empty one would leave the last route where it
 * is.
 */
export function dynamicConfiguration(input: RoutesInput, half: Half, marker: string): object {
  const { certificates, isRetiring } = input;
  const proof = proofRoutes(half, marker);
  const udp = udpRoutes(input);
  const pools = servingPools(input);
  const routes = routeRouters(input.table);
  const routers = { ...portRouters(input), ...routes.routers, ...challengeRouters(input), ...closedRouter(input) };
  const byRequest = pools.filter(({ protocol }) => isByRequest(protocol));
  const ofKind = (protocol: Pool["protocol"]) => pools.filter((pool) => pool.protocol === protocol);
  return {
    ...sections({
      http: {
        routers: { ...mapValues(routers, (router) => finished(router, isRetiring)), ...proof.http },
        middlewares: {
          ...routes.middlewares,
          [RETRY]: { retry: { attempts: ATTEMPTS, timeout: ATTEMPTS_TIMEOUT } },
          [RETIRE]: { headers: { customResponseHeaders: { Connection: "close" } } },
        },
        services: { ...byName(byRequest, httpService), ...challengeService(input), [CLOSED]: { loadBalancer: { servers: [] } } },
        serversTransports: byName(byRequest, httpTransport),
      },
      tcp: {
        routers: streamRouters(input, "tcp"),
        services: byName(ofKind("tcp"), tcpService),
        serversTransports: byName(ofKind("tcp"), tcpTransport),
      },
      udp: { routers: { ...udp.routers, ...proof.udp.routers }, services: { ...udp.services, ...proof.udp.services } },
    }),
    ...(certificates.length === 0
      ? {}
      : { tls: { certificates: certificates.map(({ chain, privateKey }) => ({ certFile: chain, keyFile: privateKey })) } }),
  };
}

/** The part for UDP, without the proof's. */
export function udpRoutes(input: RoutesInput): { readonly routers: Named<object>; readonly services: Named<object> } {
  const pools = servingPools(input).filter(({ protocol }) => protocol === "udp");
  const closed = restingEntryPoints(input.allocation, "udp");
  const routers = streamRouters(input, "udp");
  const services = byName(pools, udpService);
  if (closed.length === 0) return { routers, services };
  // An entry point without a router would go on to lead to where it led last.
  return {
    routers: { ...routers, [CLOSED]: { entryPoints: closed, service: CLOSED } },
    services: { ...services, [CLOSED]: { loadBalancer: { servers: [] } } },
  };
}

function servingPools({ table, withheld }: RoutesInput): readonly Pool[] {
  return table.pools.map((pool) => ({ ...pool, members: pool.members.filter((member) => !withheld.has(member.placementId)) }));
}

function isByRequest(protocol: Pool["protocol"] | undefined): boolean {
  return protocol === "http" || protocol === "grpc";
}

function portRouters({ table, allocation }: RoutesInput): Named<Router> {
  const protocols = new Map(table.pools.map(({ id, protocol }) => [id, protocol]));
  return Object.fromEntries(
    table.ports.flatMap((port) => {
      const offset = allocation.offsets[portKey(port)];
      if (offset === undefined || !isByRequest(protocols.get(port.pool))) return [];
      const router = {
        entryPoints: [entryPointName("tcp", offset)],
        rule: "PathPrefix(`/`)",
        service: nameOf(port.pool),
        middlewares: lastMiddlewares(protocols.get(port.pool)),
      };
      return [[`port-${port.port}`, router] as const];
    }),
  );
}

function streamRouters({ table, allocation }: RoutesInput, protocol: "tcp" | "udp"): Named<object> {
  const protocols = new Map(table.pools.map((pool) => [pool.id, pool.protocol]));
  return Object.fromEntries(
    table.ports.flatMap((port) => {
      const offset = allocation.offsets[portKey(port)];
      if (offset === undefined || protocols.get(port.pool) !== protocol) return [];
      const router = {
        entryPoints: [entryPointName(protocol, offset)],
        service: nameOf(port.pool),
        ...(protocol === "tcp" && { rule: "HostSNI(`*`)" }),
      };
      return [[`port-${port.port}`, router] as const];
    }),
  );
}

/** A client that kept its connection to a port that was withdrawn is told so, and finds it closed from then on. */
function closedRouter({ allocation }: RoutesInput): Named<Router> {
  const entryPoints = restingEntryPoints(allocation, "tcp");
  return entryPoints.length === 0 ? {} : { [CLOSED]: { entryPoints, rule: "PathPrefix(`/`)", service: CLOSED, middlewares: [RETIRE] } };
}

/** Only for the tokens that are ours: a replica may have proofs of its own to give. */
function challengeRouters({ table, challengePort }: RoutesInput): Named<Router> {
  if (challengePort === undefined) return {};
  return Object.fromEntries(
    table.challenges.map(({ token }) => [
      `challenge-${nameOf(token)}`,
      {
        entryPoints: [entryPointName("tcp", WEB_OFFSET)],
        rule: `Path(\`/.well-known/acme-challenge/${token}\`)`,
        priority: CHALLENGE_PRIORITY,
        service: CHALLENGES,
      },
    ]),
  );
}

function challengeService({ challengePort }: RoutesInput): Named<object> {
  return challengePort === undefined ? {} : { [CHALLENGES]: { loadBalancer: { servers: [{ url: `http://127.0.0.1:${challengePort}` }] } } };
}

function finished(router: Router, isRetiring: boolean): Router {
  return isRetiring && router.service !== CLOSED ? { ...router, middlewares: [RETIRE, ...(router.middlewares ?? [])] } : router;
}

function httpService(pool: Pool): object {
  return {
    loadBalancer: {
      serversTransport: nameOf(pool.id),
      servers: pool.members.map((member) => ({ url: `${pool.protocol === "grpc" ? "h2c" : "http"}://${endOf(member)}` })),
      ...(pool.sticky ? { sticky: { cookie: { name: `odysseus-${nameOf(pool.id)}`, httpOnly: true, sameSite: "lax", path: "/" } } } : {}),
    },
  };
}

function httpTransport({ requestTimeoutMs }: Pool): object {
  return {
    maxIdleConnsPerHost: MAX_IDLE_CONNECTIONS,
    forwardingTimeouts: {
      dialTimeout: DIAL_TIMEOUT,
      idleConnTimeout: IDLE_TIMEOUT,
      ...(requestTimeoutMs === undefined ? {} : { responseHeaderTimeout: `${requestTimeoutMs}ms` }),
    },
  };
}

function tcpService(pool: Pool): object {
  return { loadBalancer: { serversTransport: nameOf(pool.id), servers: pool.members.map((member) => ({ address: endOf(member) })) } };
}

function tcpTransport(): object {
  return { dialTimeout: DIAL_TIMEOUT, terminationDelay: HALF_CLOSED_TIMEOUT };
}

function udpService(pool: Pool): object {
  return { loadBalancer: { servers: pool.members.map((member) => ({ address: endOf(member) })) } };
}

function endOf({ address, port }: PoolMember): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function byName(pools: readonly Pool[], make: (pool: Pool) => object): Named<object> {
  return Object.fromEntries(pools.map((pool) => [nameOf(pool.id), make(pool)]));
}

/** The proxy refuses the whole when a section is there and empty. */
function sections(all: Named<Named<Named<object>>>): object {
  const kept = Object.entries(all).map(
    ([name, section]) => [name, Object.fromEntries(Object.entries(section).filter(([, items]) => Object.keys(items).length > 0))] as const,
  );
  return Object.fromEntries(kept.filter(([, section]) => Object.keys(section).length > 0));
}

function mapValues<Value>(values: Named<Value>, change: (value: Value) => Value): Named<Value> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}
