import { type Half, otherHalf } from "./entry-points.ts";
import type { FoundProxy } from "./proxy-containers.ts";

/** The proxies of a node as they are. */
export interface ProxySituation {
  readonly found: readonly FoundProxy[];
  /** Whose entry points the published ports lead to. */
  readonly active: Half;
  /** What a proxy would be made with now. Undefined: none is needed. */
  readonly wanted: string | undefined;
  /** Halves whose proxy serves the newest routes. */
  readonly ready: ReadonlySet<Half>;
  /** Connections of clients to each half's entry points. */
  readonly connections: Readonly<Record<Half, number>>;
  /** Since no published port leads to it any more, by what is set on the node. Undefined: some may. */
  readonly idleForMs: Readonly<Record<Half, number | undefined>>;
}

/** What should be done about the node's proxies next. */
export type ProxyStep =
  | { readonly kind: "run"; readonly half: Half }
  | { readonly kind: "start"; readonly proxy: FoundProxy }
  | { readonly kind: "remove"; readonly proxy: FoundProxy }
  /** Published ports lead to this half from now on. */
  | { readonly kind: "switch"; readonly to: Half };

/** Connections that were being made when the redirects changed have been made by then. */
export const MIN_RETIREMENT_MS = 2_000;
/** Connections that are held so long through a proxy that was replaced are cut. */
export const MAX_RETIREMENT_MS = 3_600_000;

/** Undefined: all is as it should be, or something has to be waited for. */
export function plan(situation: ProxySituation): ProxyStep | undefined {
  const { found, active, wanted, ready } = situation;
  const of = (half: Half) => found.find((proxy) => proxy.half === half);
  const mine = of(active);
  const other = of(otherHalf(active));
  if (wanted === undefined) return retirement(situation, found);
  if (mine === undefined) return other === undefined ? { kind: "run", half: active } : { kind: "switch", to: other.half };
  if (!mine.isRunning) return { kind: "start", proxy: mine };
  if (mine.made === wanted) return retirement(situation, other === undefined ? [] : [other]);
  if (other === undefined) return { kind: "run", half: otherHalf(active) };
  if (other.made !== wanted) return retirement(situation, [other]);
  if (!other.isRunning) return { kind: "start", proxy: other };
  return ready.has(other.half) ? { kind: "switch", to: other.half } : undefined;
}

/** A proxy goes once nobody is connected through it, or has been for too long. */
function retirement({ connections, idleForMs }: ProxySituation, proxies: readonly FoundProxy[]): ProxyStep | undefined {
  const over = proxies.find(({ half }) => {
    const idleMs = idleForMs[half];
    if (idleMs === undefined) return false;
    return (idleMs >= MIN_RETIREMENT_MS && connections[half] === 0) || idleMs >= MAX_RETIREMENT_MS;
  });
  return over === undefined ? undefined : { kind: "remove", proxy: over };
}
