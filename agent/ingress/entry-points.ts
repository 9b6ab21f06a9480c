import type { BalancedPort } from "../../actors/ingress/contract.ts";
import { RESERVED_PORTS } from "../../actors/ingress/contract.ts";

/** Two proxies run at once only while one takes over from the other; each has a half of the entry points. */
export const HALVES = ["a", "b"] as const;
export type Half = (typeof HALVES)[number];

/** The ports of one half, counted from its first. */
const HALF_PORTS = (RESERVED_PORTS.entryPoints[1] - RESERVED_PORTS.entryPoints[0] + 1) / 2;
/** On loopback alone: the API for TCP, and the entry point of proofs for UDP. */
export const OWN_OFFSET = 0;
export const PROOF_ENTRY_POINT = "proof";
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
  /** Of ports that were withdrawn, until another port needs the entry point: clients may still hold connections to it, and the port may come back. */
  readonly resting: Readonly<Record<PortKey, number>>;
  /** Where the search for the next free one begins, by protocol: the longest unused is taken. */
  readonly next: Readonly<Record<"tcp" | "udp", number>>;
}

export const EMPTY_ALLOCATION: Allocation = { offsets: {}, resting: {}, next: { tcp: 0, udp: 0 } };

export function portKey({ port, protocol }: Pick<BalancedPort, "port" | "protocol">): PortKey {
  return `${port}/${protocol}`;
}

/** Ports keep their entry points, also while they are withdrawn; new ones get one, as long as there are any. */
export function allocate(allocation: Allocation, ports: readonly Pick<BalancedPort, "port" | "protocol">[]): Allocation {
  const before: Readonly<Record<PortKey, number>> = { ...allocation.resting, ...allocation.offsets };
  const wanted = new Set(ports.map(portKey));
  const offsets: Record<PortKey, number> = pick(before, (key) => wanted.has(key));
  const next = { ...allocation.next };
  for (const { port, protocol } of ports) {
    const key = portKey({ port, protocol });
    if (offsets[key] !== undefined) continue;
    const free = nextFree(takenOf(offsets, protocol), protocol, next[protocol]);
    if (free === undefined) continue;
    offsets[key] = FIRST_BALANCED_OFFSET + free;
    next[protocol] = (free + 1) % COUNTS[protocol];
  }
  const taken = { tcp: takenOf(offsets, "tcp"), udp: takenOf(offsets, "udp") };
  return { offsets, next, resting: pick(before, (key, offset) => !wanted.has(key) && !taken[protocolOf(key)].has(offset)) };
}

function nextFree(taken: ReadonlySet<number>, protocol: "tcp" | "udp", start: number): number | undefined {
  const count = COUNTS[protocol];
  return Array.from({ length: count }, (_, step) => (start + step) % count).find((index) => !taken.has(FIRST_BALANCED_OFFSET + index));
}

function takenOf(offsets: Readonly<Record<PortKey, number>>, protocol: "tcp" | "udp"): ReadonlySet<number> {
  return new Set(Object.values(pick(offsets, (key) => protocolOf(key) === protocol)));
}

function protocolOf(key: PortKey): "tcp" | "udp" {
  return key.endsWith("/udp") ? "udp" : "tcp";
}

function pick(offsets: Readonly<Record<PortKey, number>>, isPicked: (key: PortKey, offset: number) => boolean): Record<PortKey, number> {
  return Object.fromEntries(Object.entries(offsets).filter(([key, offset]) => isPicked(key as PortKey, offset)));
}

/** Entry points that lead nowhere now, and that clients may still be connected to. */
export function restingEntryPoints({ resting }: Allocation, protocol: "tcp" | "udp"): readonly string[] {
  return [...takenOf(resting, protocol)].map((offset) => entryPointName(protocol, offset));
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
