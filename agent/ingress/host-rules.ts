import { isIPv4, isIPv6 } from "node:net";
import { RESERVED_PORTS } from "../../actors/ingress/contract.ts";
import { entryPort, HALVES, OWN_OFFSET } from "./entry-points.ts";

/** A published port that leads to an entry point of the proxy. */
export interface Redirect {
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  readonly entryPort: number;
}

/** What the kernel of a node does for ingress. */
export interface HostRules {
  readonly redirects: readonly Redirect[];
  /** Addresses that may reach the node's replica ports. */
  readonly peers: readonly string[];
}

/** Chains of our own; whatever else is in the tables is not ours. */
const CHAIN = { redirects: "ODYSSEUS-REDIRECT", input: "ODYSSEUS-INPUT", forward: "ODYSSEUS-FORWARD" } as const;

/** Where our chains are entered: table, chain, match. Docker leaves what is in DOCKER-USER alone. */
export const JUMPS = [
  `nat PREROUTING -m addrtype --dst-type LOCAL -j ${CHAIN.redirects}`,
  `nat OUTPUT -m addrtype --dst-type LOCAL -j ${CHAIN.redirects}`,
  `filter INPUT -j ${CHAIN.input}`,
  `filter DOCKER-USER -j ${CHAIN.forward}`,
] as const;

const ENTRY_POINTS = RESERVED_PORTS.entryPoints.join(":");
const REPLICAS = RESERVED_PORTS.replicas.join(":");
const NEW = "-m conntrack --ctstate NEW";
const REDIRECTED = "-m conntrack --ctstate DNAT";

/** The whole of our chains, for `iptables-restore --noflush` (or ip6tables-restore): it replaces them in one step and leaves everything else alone. */
export function rulesText(family: "IPv4" | "IPv6", { redirects, peers }: HostRules): string {
  const own = peers.filter(family === "IPv4" ? isIPv4 : isIPv6).toSorted();
  return [
    "*nat",
    `:${CHAIN.redirects} - [0:0]`,
    // Without an address the destination stays what the client asked for; connections that are under way are not touched by a change.
    ...redirects
      .toSorted((one, other) => one.port - other.port || one.protocol.localeCompare(other.protocol))
      .map(
        ({ port, protocol, entryPort }) => `-A ${CHAIN.redirects} -p ${protocol} --dport ${port} -j DNAT --to-destination :${entryPort}`,
      ),
    "COMMIT",
    "*filter",
    `:${CHAIN.input} - [0:0]`,
    `:${CHAIN.forward} - [0:0]`,
    ...inputRules(own),
    // A container's port is reached through FORWARD; its own answers and its own calls to such a port elsewhere are not meant.
    ...own.map((peer) => `-A ${CHAIN.forward} -s ${peer} -j RETURN`),
    ...["tcp", "udp"].map(
      (protocol) => `-A ${CHAIN.forward} -p ${protocol} ${NEW} ${REDIRECTED} --ctdir ORIGINAL --ctorigdstport ${REPLICAS} -j DROP`,
    ),
    "COMMIT",
    "",
  ].join("\n");
}

function inputRules(peers: readonly string[]): readonly string[] {
  const own = HALVES.flatMap((half) => [`tcp --dport ${entryPort(half, OWN_OFFSET)}`, `udp --dport ${entryPort(half, OWN_OFFSET)}`]);
  return [
    ...own.map((port) => `-A ${CHAIN.input} -i lo -p ${port} -j RETURN`),
    ...["tcp", "udp"].flatMap((protocol) => [
      // As with ports that Docker publishes: publishing it opened it.
      `-A ${CHAIN.input} -p ${protocol} --dport ${ENTRY_POINTS} ${REDIRECTED} -j ACCEPT`,
      // Only new ones: programs of the machine may call out from such a port.
      `-A ${CHAIN.input} -p ${protocol} --dport ${ENTRY_POINTS} ${NEW} -j DROP`,
    ]),
    `-A ${CHAIN.input} -i lo -j RETURN`,
    ...peers.map((peer) => `-A ${CHAIN.input} -s ${peer} -j RETURN`),
    ...["tcp", "udp"].map((protocol) => `-A ${CHAIN.input} -p ${protocol} --dport ${REPLICAS} ${NEW} -j DROP`),
  ];
}
