import type { Foreseen, PlacementRequest, Rejection, Wish } from "./contract.ts";
import { type Filter, filters, nodeFilters, type Wanted } from "./filters.ts";
import { Ledger } from "./ledger.ts";
import { place, type Placed, rejectionsOf } from "./place.ts";
import { reservationOf } from "./reservation.ts";
import type { Reservation, SchedulerState } from "./state.ts";

/** Where replicas would go as things stand, without booking anything. One wish after the other, as their rollouts would ask. */
export function foresee(state: SchedulerState, wishes: readonly Wish[]): readonly Foreseen[] {
  const ledger = new Ledger(state, state.pending);
  const reserved = Map.groupBy(state.reservations, ({ deployment }) => deployment);
  return wishes.map((wish) => {
    const present = reserved.get(wish.deployment) ?? [];
    const leaving = wish.replaces === "nothing" ? [] : present;
    const firstFree = 1 + Math.max(0, ...present.map(({ slot }) => slot));
    return wish.replicas === "one-per-node"
      ? onEveryNode(ledger, wish, leaving, firstFree)
      : somewhere(ledger, wish, wish.replicas, leaving, firstFree);
  });
}

/** Whoever takes the place of another is in its slot, and all others in slots of their own, from `firstFree` on. */
function somewhere(ledger: Ledger, wish: Wish, replicas: number, present: readonly Reservation[], firstFree: number): Foreseen {
  const { deployment } = wish;
  const leaving = [...present];
  const nodes: Record<string, number> = {};
  for (let index = 0; index < replicas; index++) {
    const old = leaving.shift();
    const placed = replace(ledger, wish, requestOf(wish, { slot: old?.slot ?? firstFree + index }), old);
    if (placed.kind === "rejected") return { deployment, nodes, pending: replicas - index, rejections: placed.rejections, leftOut: [] };
    nodes[placed.node] = (nodes[placed.node] ?? 0) + 1;
  }
  return { deployment, nodes, pending: 0, rejections: [], leftOut: [] };
}

/** Filters a global deployment is not even asked for: a node they reject gets none. */
const readyFilters: readonly Filter[] = [...filters.filter(({ name }) => name === "ready"), ...nodeFilters];

function onEveryNode(ledger: Ledger, wish: Wish, present: readonly Reservation[], firstFree: number): Foreseen {
  const { deployment, requirements, replaces } = wish;
  const wanted: Wanted = { ...requirements, deployment };
  const isOpen = (room: (typeof ledger.rooms)[number]): boolean => readyFilters.every((filter) => filter.accepts(room, wanted));
  const leftOut = rejectionsOf(readyFilters, ledger.rooms, wanted);
  const nodes: Record<string, number> = {};
  const rejections: Rejection[] = [];
  let pending = 0;
  for (const [index, { node }] of ledger.rooms.filter(isOpen).entries()) {
    const [old, ...surplus] = present.filter((reservation) => reservation.node === node.name);
    for (const other of surplus) ledger.release(other);
    const beside = old !== undefined && replaces === "new-first" ? 1 : 0;
    const placed = replace(ledger, wish, requestOf(wish, { slot: old?.slot ?? firstFree + index, node: node.name, beside }), old);
    if (placed.kind === "placed") nodes[placed.node] = 1;
    else {
      pending += 1;
      rejections.push(...placed.rejections);
    }
  }
  return { deployment, nodes, pending, rejections, leftOut };
}

function requestOf({ deployment, requirements }: Wish, where: Pick<PlacementRequest, "slot" | "node" | "beside">): PlacementRequest {
  return { placementId: `${deployment}.${where.slot}`, avoid: [], requirements, ...where };
}

/** Who is replaced leaves its place before or after its successor is looked for, as the rollout would do it. */
function replace(ledger: Ledger, { deployment, replaces }: Wish, request: PlacementRequest, old: Reservation | undefined): Placed {
  if (old !== undefined && replaces === "old-first") ledger.release(old);
  const placed = place(ledger, deployment, request);
  if (placed.kind === "rejected") return placed;
  ledger.book(reservationOf(deployment, request, placed.node));
  if (old !== undefined && replaces === "new-first") ledger.release(old);
  return placed;
}
