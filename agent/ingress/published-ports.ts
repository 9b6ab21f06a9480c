import type { BalancedPort, IngressStatus, IngressTable } from "../../actors/ingress/contract.ts";
import {
  type Allocation,
  entryPort,
  type Half,
  portKey,
  TCP_ENTRY_POINTS,
  UDP_ENTRY_POINTS,
  WEB_OFFSET,
  WEB_SECURE_OFFSET,
} from "./entry-points.ts";
import type { Redirect } from "./host-rules.ts";
import type { NodeSocket } from "./sockets.ts";

export type FailedPort = IngressStatus["failedPorts"][number];
type Port = Pick<BalancedPort, "port" | "protocol">;

const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/** Whether the table asks for a proxy at all. */
export function needsProxy({ ports, routes, challenges }: IngressTable): boolean {
  return ports.length > 0 || routes.length > 0 || challenges.length > 0;
}

/** Which ports of the node lead where, and which do not because the node has no room for them or another use. */
export function publishedPorts(
  table: IngressTable,
  allocation: Allocation,
  active: Half,
  sockets: readonly NodeSocket[],
): { readonly redirects: readonly Redirect[]; readonly failed: readonly FailedPort[] } {
  const listened = new Set(
    sockets.flatMap(({ state, protocol, localPort }) => (state === "listening" ? [`${localPort}/${protocol}`] : [])),
  );
  const redirects: Redirect[] = [];
  const failed: FailedPort[] = [];
  for (const [port, offset] of wantedPorts(table, allocation)) {
    const { protocol } = port;
    // A program that was there first keeps its port, whichever it is: it may be the way in for whoever runs the machine.
    if (listened.has(portKey(port))) failed.push({ port: port.port, protocol, reason: inUse(port) });
    else if (offset === undefined) failed.push({ port: port.port, protocol, reason: tooMany(protocol) });
    else redirects.push({ port: port.port, protocol, entryPort: entryPort(active, offset) });
  }
  return { redirects, failed };
}

function wantedPorts(table: IngressTable, { offsets }: Allocation): readonly (readonly [Port, number | undefined])[] {
  const published = table.ports.map((port) => [port, offsets[portKey(port)]] as const);
  const taken = new Set(table.ports.map(portKey));
  const forRoutes = table.routes.length > 0 || table.challenges.length > 0;
  const web = [
    ...(forRoutes ? [[{ port: HTTP_PORT, protocol: "tcp" }, WEB_OFFSET] as const] : []),
    ...(table.routes.some(({ tls }) => tls === "on") ? [[{ port: HTTPS_PORT, protocol: "tcp" }, WEB_SECURE_OFFSET] as const] : []),
  ];
  return [...published, ...web.filter(([port]) => !taken.has(portKey(port)))];
}

function inUse({ port, protocol }: Port): string {
  return `port ${port}/${protocol} of this node is in use by another program: end it there, or publish another port`;
}

function tooMany(protocol: "tcp" | "udp"): string {
  const most = protocol === "tcp" ? TCP_ENTRY_POINTS : UDP_ENTRY_POINTS;
  return `a node balances at most ${most} ${protocol.toUpperCase()} ports: withdraw another one`;
}
