import type { Foreseen, Pin, PlacementRequest, Rejection, Requirements, Wish } from "./contract.ts";
import { type Filter, filters, nodeFilters, type Wanted } from "./filters.ts";
import { Ledger } from "./ledger.ts";
import { place, type Placed, rejectionsOf } from "./place.ts";
import { reservationOf } from "./reservation.ts";
import type { Reservation, SchedulerState } from "./state.ts";

/** Where replicas would go as things stand, without booking anything. One wish after the other, as their rollouts would ask. */
export function foresee(state: SchedulerState, wishes: readonly Wish[]): readonly Foreseen[] {
  const ledger = new Ledger(state, state.pending);
  const reserved = Map.groupBy(Object.values(state.reservations), ({ deployment }) => deployment);
  return wishes.map((wish) => {
    const leaving = wish.replaces === "nothing" ? [] : (reserved.get(wish.deployment) ?? []);
    return wish.replicas === "one-per-node" ? onEveryNode(ledger, wish, leaving) : somewhere(ledger, wish, wish.replicas, leaving);
  });
}

function somewhere(ledger: Ledger, wish: Wish, replicas: number, present: readonly Reservation[]): Foreseen {
  const { deployment } = wish;
  const leaving = [...present];
  const nodes: Record<string, number> = {};
  for (let slot = 1; slot <= replicas; slot++) {
    const old = leaving.shift();
    const placed = replace(ledger, wish, requestOf(wish, slot, undefined), old === undefined ? [] : [old]);
    if (placed.kind === "rejected") return { deployment, nodes, pending: replicas - slot + 1, rejections: placed.rejections, leftOut: [] };
    nodes[placed.node] = (nodes[placed.node] ?? 0) + 1;
  }
  return { deployment, nodes, pending: 0, rejections: [], leftOut: [] };
}

/** Filters a global deployment is not even asked for: a node they reject gets none. */
const readyFilters: readonly Filter[] = [...filters.filter(({ name }) => name === "ready"), ...nodeFilters];

function onEveryNode(ledger: Ledger, wish: Wish, present: readonly Reservation[]): Foreseen {
  const { deployment, requirements, replaces } = wish;
  const wanted: Wanted = { ...requirements, deployment };
  const isOpen = (room: (typeof ledger.rooms)[number]): boolean => readyFilters.every((filter) => filter.accepts(room, wanted));
  const leftOut = rejectionsOf(readyFilters, ledger.rooms, wanted);
  const nodes: Record<string, number> = {};
  const rejections: Rejection[] = [];
  let pending = 0;
  for (const [index, { node }] of ledger.rooms.filter(isOpen).entries()) {
    const leaving = present.filter((reservation) => reservation.node === node.name);
    const pin: Pin = { node: node.name, beside: replaces === "new-first" ? leaving.length : 0 };
    const placed = replace(ledger, wish, requestOf(wish, index + 1, pin), leaving);
    if (placed.kind === "placed") nodes[placed.node] = 1;
    else {
      pending += 1;
      rejections.push(...placed.rejections);
    }
  }
  return { deployment, nodes, pending, rejections, leftOut };
}

function requestOf(
  { deployment, requirements }: { readonly deployment: string; readonly requirements: Requirements },
  slot: number,
  pin: Pin | undefined,
): PlacementRequest {
  return { placementId: `${deployment}.${slot}`, slot, avoid: [], requirements, ...(pin !== undefined && { pin }) };
}

/** Those that are replaced leave their place before or after their successor is looked for, as the rollout would do it. */
function replace(ledger: Ledger, { deployment, replaces }: Wish, request: PlacementRequest, leaving: readonly Reservation[]): Placed {
  if (replaces === "old-first") for (const old of leaving) ledger.release(old);
  const placed = place(ledger, deployment, request);
  if (placed.kind === "rejected") return placed;
  ledger.book(reservationOf(deployment, request, placed.node));
  if (replaces === "new-first") for (const old of leaving) ledger.release(old);
  return placed;
}
