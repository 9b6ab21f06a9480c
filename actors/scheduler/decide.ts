import type { DecideContext, Decision, Outgoing } from "../../runtime/actor.ts";
import { addressOf, partsOf } from "../../runtime/address.ts";
import type { PlacementRequest, Rejection, SchedulerAnswer, SchedulerCommand } from "./contract.ts";
import { togetherWords } from "./filters.ts";
import { listMessages } from "./fitting-nodes.ts";
import { straysOf, type Stray } from "./groups.ts";
import { Ledger } from "./ledger.ts";
import { place, type Placed } from "./place.ts";
import { reservationOf } from "./reservation.ts";
import { evolve, nodesOf, type Pending, type Reservation, type SchedulerEvent, type SchedulerState } from "./state.ts";
import { volumeRefusals } from "../volume/refusals.ts";

export function decide(state: SchedulerState, command: SchedulerCommand, context: DecideContext): Decision<SchedulerEvent> {
  const { tenant } = partsOf(context.address);
  switch (command.kind) {
    case "place": {
      const known = knownIn(state);
      const isNew = ({ placementId }: PlacementRequest): boolean => !known.has(placementId);
      const asked = command.requests.filter(isNew).map((request): Pending => ({ deployment: command.deployment, request, rejections: [] }));
      return settle(tenant, state, [], asked);
    }
    case "release": {
      const known = knownIn(state);
      const placementIds = command.placementIds.filter((id) => known.has(id));
      if (placementIds.length === 0) return nothing;
      return settle(tenant, state, [{ type: "placements.released", placementIds }], []);
    }
    case "node-changed":
      if (JSON.stringify(state.nodes[command.node.name]) === JSON.stringify(command.node)) return nothing;
      return settle(tenant, state, [{ type: "node.changed", node: command.node }], []);
    case "node-removed":
      return command.name in state.nodes ? settle(tenant, state, [{ type: "node.removed", name: command.name }], []) : nothing;
    case "follow-nodes": {
      const { deployment, revision, requirements } = command;
      if ((state.followers[deployment]?.revision ?? 0) >= revision) return nothing;
      return settle(tenant, state, [{ type: "nodes.followed", deployment, revision, requirements }], []);
    }
    case "unfollow-nodes": {
      const { deployment } = command;
      return deployment in state.followers ? settle(tenant, state, [{ type: "nodes.unfollowed", deployment }], []) : nothing;
    }
    case "forget-volume":
      return forgetVolume(state, command.name);
    case "wake":
      return nothing;
  }
}

function forgetVolume(state: SchedulerState, name: string): Decision<SchedulerEvent> {
  const audit = { operation: "volumes.delete" };
  const place = Object.hasOwn(state.volumes, name) ? state.volumes[name] : undefined;
  if (place === undefined) return { kind: "refuse", refusal: volumeRefusals["volume.not-found"]({ name }), audit };
  const users = state.reservations.flatMap(({ volumes = [], placementId }) => (volumes.includes(name) ? [placementId] : []));
  if (users.length > 0) return { kind: "refuse", refusal: volumeRefusals["volume.in-use"]({ name, users }), audit };
  const events: readonly SchedulerEvent[] = [{ type: "volume.forgotten", name }];
  const nodes = nodesOf(place);
  return { kind: "accept", events, messages: [], reply: { nodes }, audit: [{ ...audit, before: { name, nodes } }] };
}

/** What has a place or waits for one. */
function knownIn({ reservations, pending }: SchedulerState): ReadonlySet<string> {
  return new Set([...reservations.map(({ placementId }) => placementId), ...pending.map(({ request }) => request.placementId)]);
}

const nothing: Decision<SchedulerEvent> = { kind: "accept", events: [], messages: [], reply: null };

/** Places what waits, oldest first, then what is asked for now. Who still waits hears of it when the reasons have changed. */
function settle(
  tenant: string,
  state: SchedulerState,
  first: readonly SchedulerEvent[],
  asked: readonly Pending[],
): Decision<SchedulerEvent> {
  const now = first.reduce(evolve, state);
  const waiting = [...now.pending, ...asked];
  const ledger = new Ledger(now, waiting);
  const rejected = new RejectedRequirements();
  const reserved: Reservation[] = [];
  const pended: Pending[] = [];
  for (const item of waiting) {
    const { request, deployment } = item;
    const result = rejected.of(ledger, item) ?? rejected.remember(ledger, item, place(ledger, deployment, request));
    if (result.kind === "placed") {
      const reservation = reservationOf(deployment, request, result.node);
      ledger.book(reservation);
      reserved.push(reservation);
    } else if (rejected.textOf(result.rejections) !== rejected.textOf(item.rejections)) {
      pended.push({ ...item, rejections: result.rejections });
    }
  }
  const events: SchedulerEvent[] = [...first];
  if (reserved.length > 0) events.push({ type: "placements.reserved", reservations: reserved });
  if (pended.length > 0) events.push({ type: "placements.pended", pending: pended });
  const placed = new Set(reserved.map(({ placementId }) => placementId));
  const strays = straysOf({
    ...now,
    reservations: [...now.reservations, ...reserved],
    waiting: waiting.filter(({ request }) => !placed.has(request.placementId)),
  });
  const movable = strays.filter((stray) => ledger.hasRoomFor(stray, stray.home));
  const messages = [
    ...placedMessages(tenant, reserved),
    ...pendingMessages(tenant, pended),
    ...regroupMessages(tenant, movable),
    ...listMessages(tenant, state, now),
  ];
  return { kind: "accept", events, messages, reply: null };
}

/** Within one decision rooms only fill up: what was rejected once stays rejected, and a thousand requests alike are looked at once. */
class RejectedRequirements {
  readonly #results = new Map<string, Placed>();
  readonly #texts = new Map<readonly Rejection[], string>();

  of(ledger: Ledger, item: Pending): Placed | undefined {
    return this.#results.size === 0 ? undefined : this.#results.get(alike(ledger, item));
  }

  remember(ledger: Ledger, item: Pending, result: Placed): Placed {
    if (result.kind === "rejected") this.#results.set(alike(ledger, item), result);
    return result;
  }

  textOf(rejections: readonly Rejection[]): string {
    let text = this.#texts.get(rejections);
    if (text === undefined) this.#texts.set(rejections, (text = JSON.stringify(rejections)));
    return text;
  }
}

/** Requests with the same text are answered alike. Who asks matters only where others of the same deployment count, and for which slot only if it is on a node. */
function alike({ rooms }: Ledger, { deployment, request: { requirements, slot, node, beside } }: Pending): string {
  if (beside === undefined && requirements.maxPerNode === undefined) return JSON.stringify([requirements, node]);
  const isSomewhere = rooms.some(({ slotsOf }) => slotsOf.get(deployment)?.has(slot) === true);
  return JSON.stringify([requirements, node, beside, deployment, ...(isSomewhere ? [slot] : [])]);
}

function placedMessages(tenant: string, reserved: readonly Reservation[]): readonly Outgoing[] {
  return byDeployment(tenant, reserved, (items) => ({
    kind: "placed",
    placements: items.map(({ placementId, node }) => ({ placementId, node })),
  }));
}

function pendingMessages(tenant: string, pended: readonly Pending[]): readonly Outgoing[] {
  return byDeployment(tenant, pended, (items) => ({
    kind: "pending",
    placements: items.map(({ request, rejections }) => ({ placementId: request.placementId, rejections })),
  }));
}

/** A group that came apart, because a node was lost and is back or is no longer drained, comes together again. */
function regroupMessages(tenant: string, strays: readonly Stray[]): readonly Outgoing[] {
  return byDeployment(tenant, strays, (items) => ({
    kind: "evacuate",
    placementIds: items.map(({ placementId }) => placementId),
    reason: togetherWords(items[0]?.together ?? "", items[0]?.home ?? ""),
  }));
}

function byDeployment<Item extends { readonly deployment: string }>(
  tenant: string,
  items: readonly Item[],
  message: (items: readonly Item[]) => SchedulerAnswer,
): readonly Outgoing[] {
  const groups = Map.groupBy(items, ({ deployment }) => deployment);
  return [...groups].map(([deployment, group]) => ({ to: addressOf(tenant, "deployment", deployment), message: message(group) }));
}
