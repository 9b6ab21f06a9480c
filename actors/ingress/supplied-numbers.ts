import type { IngressState } from "./state.ts";
import { isIngressNode } from "./table.ts";
import type { SeenNodes } from "./withdrawal.ts";

/** Pairs remembered; an older one is answered with the first that is left, which is later and holds as much. */
const MAX_KEPT = 100;

/** Where an authority looks for the answer to a challenge (RFC 8555, 8.3). */
const CHALLENGE_PORT = 80;

/** Which tables hold which version of the supply. A number is told once, so the version it was first made with counts. */
export class SuppliedNumbers {
  #kept: readonly { readonly number: number; readonly version: number }[] = [];

  made(number: number, version: number): void {
    const last = this.#kept.at(-1);
    if (last !== undefined && (number <= last.number || version <= last.version)) return;
    this.#kept = [...this.#kept, { number, version }].slice(-MAX_KEPT);
  }

  /** The first table that holds this version, or a later one. */
  numberOf(version: number): number | undefined {
    return this.#kept.find((each) => each.version >= version)?.number;
  }
}

/** Why not every ingress node serves a table, or a later one: one clause that names them. Undefined: all do that serve anybody at all. */
export function lackingNodes(state: IngressState, number: number | undefined, { epoch, nodes }: SeenNodes): string | undefined {
  if (number === undefined) return "no node has been given it yet";
  const joined = Object.values(state.nodes).filter((node) => node.connection === "joined" && isIngressNode(state, node));
  const found = joined.map(({ name }) => {
    const { status } = nodes.get(name) ?? {};
    if (status === undefined) return { name, serves: false, why: `${name} has not said what its proxy does` };
    const { proxy, serving, failedPorts } = status;
    if (serving.epoch === epoch && serving.number >= number) {
      // A proxy that serves is not reached before the node leads the port to it.
      const closed = failedPorts.find(({ port, protocol }) => port === CHALLENGE_PORT && protocol === "tcp");
      const why = closed === undefined ? undefined : `port ${CHALLENGE_PORT} on ${name}: ${closed.reason}`;
      return { name, serves: why === undefined, why };
    }
    // A node without a proxy serves nobody, so nobody finds the older table there either.
    if (proxy.state === "unavailable") return { name, serves: false, why: undefined };
    return { name, serves: false, why: `the proxy of ${name} is at table ${serving.number} of ${number}` };
  });
  const why = found.flatMap((each) => each.why ?? []);
  if (why.length > 0) return why.join(", ");
  return found.some(({ serves }) => serves) ? undefined : "no node takes traffic";
}
