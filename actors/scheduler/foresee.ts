import type { Foreseen, Wish } from "./contract.ts";
import { Ledger } from "./ledger.ts";
import { place } from "./place.ts";
import { reservationOf } from "./reservation.ts";
import type { Reservation, SchedulerState } from "./state.ts";

/** Where replicas would go as things stand, without booking anything. One wish after the other, as their rollouts would ask. */
export function foresee(state: SchedulerState, wishes: readonly Wish[]): readonly Foreseen[] {
  const ledger = new Ledger(state, state.pending);
  return wishes.map((wish) => foreseeOne(state, ledger, wish));
}

/** A replica that is replaced leaves its place before or after its successor is looked for, as the rollout would do it. */
function foreseeOne(state: SchedulerState, ledger: Ledger, { deployment, requirements, replicas, replaces }: Wish): Foreseen {
  const leaving: Reservation[] =
    replaces === "nothing" ? [] : Object.values(state.reservations).filter((reservation) => reservation.deployment === deployment);
  const nodes: Record<string, number> = {};
  for (let slot = 1; slot <= replicas; slot++) {
    const old = leaving.shift();
    if (old !== undefined && replaces === "old-first") ledger.release(old);
    const request = { placementId: `${deployment}.${slot}`, slot, avoid: [], requirements };
    const placed = place(ledger, deployment, request);
    if (placed.kind === "rejected") return { deployment, nodes, pending: replicas - slot + 1, rejections: placed.rejections };
    ledger.book(reservationOf(deployment, request, placed.node));
    nodes[placed.node] = (nodes[placed.node] ?? 0) + 1;
    if (old !== undefined && replaces === "new-first") ledger.release(old);
  }
  return { deployment, nodes, pending: 0, rejections: [] };
}
