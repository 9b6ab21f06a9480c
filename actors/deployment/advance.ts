import { adoptable } from "./adoption.ts";
import { isHeldUp, nextBatchAtMs } from "./batches.ts";
import type { Draft } from "./draft.ts";
import { followNodes } from "./follow-nodes.ts";
import { bringsForward, closedBecause, isGlobal, presentNodes, wantedSlots } from "./global.ts";
import { judge } from "./judge.ts";
import { drop, giveUpDisconnected, stop, stopAll, stopOverdue } from "./leaving.ts";
import { failsBecauseOfNode } from "./node-failures.ts";
import { contentOf, hasEnded, isAvailable, isHealthy, isOver, isWaiting, templateOf } from "./replica.ts";
import { RolloutRoom } from "./rollout-room.ts";
import { oneSentence } from "./sentence.ts";
import { disconnectedIn, excessOf, needsSuccessor, type SlotView } from "./slot-views.ts";
import type { PlacementRecord } from "./state.ts";

/** A deployment that goes on changing after so many rounds of one decision would never settle: a bug. */
const MAX_ROUNDS = 20;
/** First wait before a slot that failed on a node is tried on another; doubled each time up to the last. */
const RELOCATION_FIRST_MS = 5_000;
const RELOCATION_LAST_MS = 300_000;

/** Takes every step that is due: stops what is surplus, starts what is missing, moves slots to the new revision within the budget, ends the rollout. */
export function advance(draft: Draft): void {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = draft.events.length;
    if (draft.state.mode === "absent") return;
    drop(draft);
    giveUpDisconnected(draft);
    stopOverdue(draft);
    if (draft.state.mode === "running") {
      adopt(draft);
      followNodes(draft);
      retireExcess(draft);
      retireEnded(draft);
      retireReplaced(draft);
      relocate(draft);
      giveUpWaiting(draft);
      fillEmpty(draft);
      replaceOld(draft);
    } else {
      stopAll(draft);
    }
    judge(draft);
    if (draft.events.length === before) return;
  }
  throw new Error(`${draft.state.name}: no rest after ${MAX_ROUNDS} rounds`);
}

/** What needs no other replica for the present revision comes to it at once, as after a rollback, or after a change of what replicas do not carry. */
function adopt(draft: Draft): void {
  if (!bringsForward(draft.state)) return;
  const slots = adoptable(draft.state, draft.views);
  if (slots.length > 0) draft.add({ type: "slots.adopted", slots, revision: draft.state.revision });
}

/** Whoever the deployment has no use for goes at once, except what it consisted of when it was global, or not: that goes as what takes its place comes. */
function retireExcess(draft: Draft): void {
  const { state } = draft;
  if (isGlobal(state) && presentNodes(state) === undefined) return;
  const { mode } = templateOf(state, contentOf(state, state.revision));
  const room = new RolloutRoom(state, draft.views, draft.nowMs);
  const isReplaced = ({ contentOf: content }: PlacementRecord): boolean => templateOf(state, content).mode !== mode;
  const useless = excessOf(state).filter((placement) => !isReplaced(placement));
  for (const placement of useless) room.leave(placement);
  stop(draft, [...useless, ...excessOf(state).filter((placement) => isReplaced(placement) && room.letGo(placement))]);
  const used = new Set([...wantedSlots(state), ...excessOf(draft.state).map(({ slot }) => slot)]);
  const slots = Object.keys(state.slots)
    .map(Number)
    .filter((number) => !used.has(number));
  if (slots.length > 0) draft.add({ type: "slots.removed", slots });
}

/** What ended by itself for good gives its place back. */
function retireEnded(draft: Draft): void {
  const ended = draft.views.flatMap(({ good, old }) => [...good, ...old]).filter(({ status }) => status?.current.phase === "ended");
  for (const { slot, placementId, contentOf: content, status } of ended) {
    if (status?.current.phase !== "ended") continue;
    const { outcome } = status.current;
    const reason = oneSentence(`${placementId}: ${status.failure?.message ?? status.lastExit?.message ?? "it ended"}`);
    draft.add({ type: "slot.ended", slot, placementId, contentOf: content, outcome, reason });
  }
  stop(draft, ended);
}

/** An old replica goes once its successor is available, or has ended well; one that is not healthy goes as soon as it has a successor at all. */
function retireReplaced(draft: Draft): void {
  const surplus: PlacementRecord[] = [];
  for (const { slot, good, old } of draft.views) {
    const [best, ...rest] = good;
    if (best === undefined) {
      if (isOver(draft.state, slot) && slot.ended?.outcome === "succeeded") surplus.push(...old);
      continue;
    }
    surplus.push(...rest);
    const isProven = isAvailable(draft.state, best, draft.nowMs);
    surplus.push(...old.filter((placement) => isProven || !isHealthy(placement)));
  }
  stop(draft, surplus);
}

/** A replica that cannot work on its node, for reasons of the node, is tried elsewhere; one that belongs there is left to its agent, which goes on trying. */
function relocate(draft: Draft): void {
  for (const { slot, good } of draft.views) {
    if (slot.node !== undefined) continue;
    for (const placement of good) {
      if (placement.stage.stage !== "assigned" || !failsBecauseOfNode(placement)) continue;
      const waitMs = Math.min(RELOCATION_LAST_MS, RELOCATION_FIRST_MS * 2 ** slot.relocations);
      draft.add({ type: "slot.relocated", slot: slot.number, node: placement.stage.node, notBeforeMs: draft.nowMs + waitMs });
      stop(draft, [placement]);
    }
  }
}

function request(draft: Draft, slots: readonly number[]): void {
  if (slots.length === 0) return;
  let sequence = draft.state.nextSequence;
  draft.add({
    type: "placements.requested",
    placements: slots.map((slot) => ({
      placementId: `${draft.state.name}.${slot}.${sequence++}`,
      slot,
      contentOf: contentOf(draft.state, draft.state.slots[slot]?.revision ?? draft.state.revision),
    })),
  });
}

/** What has no node yet and is not what its slot is to become would only stand in the way of what is: it takes up room, and serves nobody. */
function giveUpWaiting(draft: Draft): void {
  const { revision } = draft.state;
  if (!bringsForward(draft.state)) return;
  const wanted = contentOf(draft.state, revision);
  const waiting = draft.views
    .filter(({ slot }) => slot.revision !== revision)
    .flatMap(({ good, old }) => [...good, ...old])
    .filter(({ stage, contentOf: content }) => stage.stage !== "assigned" && content !== wanted);
  stop(draft, waiting);
}

/** Slots nothing lives in cost no availability: they start at once, at the newest revision while slots are moved to it, else at their own. */
function fillEmpty(draft: Draft): void {
  const moves = bringsForward(draft.state);
  const revision = moves ? draft.state.revision : draft.state.succeeded || draft.state.revision;
  const content = (slot: SlotView["slot"]): number => contentOf(draft.state, moves ? revision : slot.revision || revision);
  const empty = draft.views
    .filter((view) => isEmpty(view) && mayStart(draft, view) && !hasEnded(view.slot, content(view.slot)))
    .map(({ slot }) => slot);
  const toMove = empty.filter((slot) => slot.revision === 0 || (moves && slot.revision !== revision));
  retarget(
    draft,
    toMove.map((slot) => slot.number),
    revision,
  );
  request(
    draft,
    empty.map((slot) => slot.number),
  );
}

function isEmpty({ good, old }: SlotView): boolean {
  return good.length + old.length === 0;
}

function mayStart({ state, nowMs }: Draft, view: SlotView): boolean {
  const { slot, leaving } = view;
  if (slot.notBeforeMs > nowMs || closedBecause(state, slot) !== undefined || disconnectedIn(view) !== undefined) return false;
  // The node of one that is to stop first may fall silent before it has: where nobody is ever to be in two places, that is waited for.
  return !isEmpty(view) || leaving.length === 0 || !isWaiting(state);
}

function retarget(draft: Draft, slots: readonly number[], revision: number): void {
  if (slots.length > 0) draft.add({ type: "slots.retargeted", slots, revision });
}

/** Replaces what is of an older revision or being evacuated, never beyond the budget nor before its time. */
function replaceOld(draft: Draft): void {
  retireSuperseded(draft);
  const views = draft.views;
  const room = new RolloutRoom(draft.state, views, draft.nowMs);
  const isHeld = (nextBatchAtMs(draft.state, views) ?? 0) > draft.nowMs;
  const next = views.filter(
    (view) => needsSuccessor(draft.state, view) && mayStart(draft, view) && !(isHeld && isHeldUp(draft.state, view)),
  );
  const slots: number[] = [];
  const goFirst: PlacementRecord[] = [];
  const startAtOnce: number[] = [];
  for (const view of next) {
    const permission = room.take(view);
    if (permission === "no") continue;
    slots.push(view.slot.number);
    if (permission === "old-first") goFirst.push(...view.good, ...view.old);
    if (permission === "new-first" || !isWaiting(draft.state)) startAtOnce.push(view.slot.number);
  }
  if (bringsForward(draft.state)) retarget(draft, slots, draft.state.revision);
  stop(draft, goFirst);
  request(draft, startAtOnce);
}

/** A slot that waits for its successor needs one replica until then. Others, of a change that was never finished, would take up the successor's room. */
function retireSuperseded(draft: Draft): void {
  const { state, nowMs } = draft;
  const proven = new Set(state.revisions.flatMap(({ contentOf: content, provenAtMs }) => (provenAtMs === undefined ? [] : [content])));
  const merit = (placement: PlacementRecord): number =>
    (isHealthy(placement) ? 8 : 0) +
    (isAvailable(state, placement, nowMs) ? 4 : 0) +
    (proven.has(placement.contentOf) ? 2 : 0) +
    (placement.evacuation === undefined ? 1 : 0);
  const surplus = draft.views
    .filter((view) => needsSuccessor(state, view))
    .flatMap(({ good, old }) => [...good, ...old].toSorted((a, b) => merit(b) - merit(a)).slice(1));
  stop(draft, surplus);
}
