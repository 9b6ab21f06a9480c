import type { IngressState } from "./state.ts";
import { isIngressNode } from "./table.ts";
import type { SeenNodes } from "./withdrawal.ts";

/** Pairs remembered; an older one is answered with the first that is left, which is later and holds as much. */
const MAX_KEPT = 100;

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
    const { proxy, serving } = status;
    if (serving.epoch === epoch && serving.number >= number) return { name, serves: true, why: undefined };
    // A node without a proxy serves nobody, so nobody finds the older table there either.
    if (proxy.state === "unavailable") return { name, serves: false, why: undefined };
    return { name, serves: false, why: `the proxy of ${name} is at table ${serving.number} of ${number}` };
  });
  const why = found.flatMap((each) => each.why ?? []);
  if (why.length > 0) return why.join(", ");
  return found.some(({ serves }) => serves) ? undefined : "no node takes traffic";
}
