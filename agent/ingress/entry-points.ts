import type { BalancedPort } from "../../actors/ingress/contract.ts";
import { RESERVED_PORTS } from "../../actors/ingress/contract.ts";

/** Two proxies run at once only while one takes over from the other; each has a half of the entry points. */
export const HALVES = ["a", "b"] as const;
export type Half = (typeof HALVES)[number];

/** The ports of one half, counted from its first. */
const HALF_PORTS = (RESERVED_PORTS.entryPoints[1] - RESERVED_PORTS.entryPoints[0] + 1) / 2;
export const API_OFFSET = 0;
export const WEB_OFFSET = 1;
export const WEB_SECURE_OFFSET = 2;
const FIRST_BALANCED_OFFSET = 3;
/** Opened beforehand, whether used or not: 60 KiB of memory each. More than a table may have ports, so that one that was given up rests for long before it serves another port. */
export const TCP_ENTRY_POINTS = 156;
/** Rare, and dearer. A table's UDP ports beyond them do not answer, and say so. */
export const UDP_ENTRY_POINTS = 64;

const COUNTS = { tcp: TCP_ENTRY_POINTS, udp: UDP_ENTRY_POINTS } as const;

/** `8080/tcp`. */
export type PortKey = `${number}/${"tcp" | "udp"}`;

/** Which entry point each published port is led to; kept on disk, because connections are open through them. */
export interface Allocation {
  readonly offsets: Readonly<Record<PortKey, number>>;
  /** Where the search for the next free one begins, by protocol: the longest unused is taken. A client may still hold a connection to one that was given up. */
  readonly next: Readonly<Record<"tcp" | "udp", number>>;
}

export const EMPTY_ALLOCATION: Allocation = { offsets: {}, next: { tcp: 0, udp: 0 } };

export function portKey({ port, protocol }: Pick<BalancedPort, "port" | "protocol">): PortKey {
  return `${port}/${protocol}`;
}

/** Ports keep their entry points; new ones get one, as long as there are any. */
export function allocate(allocation: Allocation, ports: readonly Pick<BalancedPort, "port" | "protocol">[]): Allocation {
  const kept = ports.flatMap((port) => {
    const offset = allocation.offsets[portKey(port)];
    return offset === undefined ? [] : [[portKey(port), offset] as const];
  });
  const offsets: Record<PortKey, number> = Object.fromEntries(kept);
  const next = { ...allocation.next };
  for (const port of ports) {
    if (offsets[portKey(port)] !== undefined) continue;
    const taken = new Set(Object.entries(offsets).flatMap(([key, offset]) => (key.endsWith(port.protocol) ? [offset] : [])));
    const count = COUNTS[port.protocol];
    const steps = Array.from({ length: count }, (_, step) => (next[port.protocol] + step) % count);
    const free = steps.find((index) => !taken.has(FIRST_BALANCED_OFFSET + index));
    if (free === undefined) continue;
    offsets[portKey(port)] = FIRST_BALANCED_OFFSET + free;
    next[port.protocol] = (free + 1) % count;
  }
  return { offsets, next };
}

/** The port of the machine that an entry point listens at. */
export function entryPort(half: Half, offset: number): number {
  return RESERVED_PORTS.entryPoints[0] + HALVES.indexOf(half) * HALF_PORTS + offset;
}

/** All of a half's entry points that clients may be connected to: first and last. */
export function clientPorts(half: Half): readonly [number, number] {
  return [entryPort(half, WEB_OFFSET), entryPort(half, HALF_PORTS - 1)];
}

/** Led to the proxy's API while any port is led to it: whether redirects work can be seen without disturbing a replica. */
export const CANARY_PORT = RESERVED_PORTS.entryPoints[1];

/** As the proxy's configuration calls them. The same in both halves, so that both are given the same routes. */
export function entryPointName(protocol: "tcp" | "udp", offset: number): string {
  return `${protocol}-${offset}`;
}

export function otherHalf(half: Half): Half {
  return half === "a" ? "b" : "a";
}

/** Offsets of all entry points of a protocol. */
export function entryPointOffsets(protocol: "tcp" | "udp"): readonly number[] {
  const balanced = Array.from({ length: COUNTS[protocol] }, (_, index) => FIRST_BALANCED_OFFSET + index);
  return protocol === "tcp" ? [WEB_OFFSET, WEB_SECURE_OFFSET, ...balanced] : balanced;
}
