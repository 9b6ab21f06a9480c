import type { Failure } from "../node/contract.ts";
import { diff } from "./change.ts";
import type { ChangeKind, FieldChange } from "./contract.ts";
import {
  availableAtMs,
  contentOf,
  hasEnded,
  isActive,
  isAvailable,
  isHealthy,
  isMoving,
  isOver,
  leavesUntilMs,
  needsSuccessor,
  revisionOf,
  slotViews,
  templateOf,
  type SlotView,
} from "./replica.ts";
import { evolve, type Author, type DeploymentEvent, type DeploymentState, type PlacementRecord } from "./state.ts";
import { oneSentence } from "./sentence.ts";
import { RolloutRoom } from "./rollout-room.ts";
import { verdictOf } from "./verdict.ts";

/** A deployment that goes on changing after so many rounds of one decision would never settle: a bug. */
const MAX_ROUNDS = 20;
/** First wait before a slot that failed on a node is tried on another; doubled each time up to the last. */
const RELOCATION_FIRST_MS = 5_000;
const RELOCATION_LAST_MS = 300_000;
/** A failure that belongs to the node moves the slot elsewhere after so many attempts there. */
const ATTEMPTS_BEFORE_RELOCATION = 3;
const OF_THE_NODE: ReadonlySet<Failure["code"]> = new Set([
  "disk.full",
  "port.taken",
  "resources.rejected",
  "engine.error",
  "image.registry-unavailable",
]);

/** Events decided so far, and the state they lead to. */
export class Draft {
  readonly events: DeploymentEvent[] = [];
  state: DeploymentState;
  readonly nowMs: number;
  #views: { readonly of: DeploymentState; readonly views: readonly SlotView[] } | undefined;
  constructor(state: DeploymentState, nowMs: number) {
    this.state = state;
    this.nowMs = nowMs;
  }
  add(event: DeploymentEvent): void {
    this.events.push(event);
    this.state = evolve(this.state, event, this.nowMs);
  }
  /** Of the state as it is now; made once for each state, because a decision looks at them many times. */
  get views(): readonly SlotView[] {
    if (this.#views?.of !== this.state) this.#views = { of: this.state, views: slotViews(this.state) };
    return this.#views.views;
  }
}

/** Takes every step that is due: stops what is surplus, starts what is missing, moves slots to the new revision within the budget, ends the rollout. */
export function advance(draft: Draft): void {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = draft.events.length;
    if (draft.state.mode === "absent") return;
    drop(draft);
    stopOverdue(draft);
    if (draft.state.mode === "running") {
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

/** The earliest time after `nowMs` at which `advance` might do something without being told anything. */
export function nextStepMs(state: DeploymentState, nowMs: number): number | undefined {
  if (state.mode === "absent") return undefined;
  const times: number[] = [];
  const views = slotViews(state);
  if (state.rollout?.outcome === "in-progress") {
    const verdict = verdictOf(state, nowMs, views);
    if (verdict.kind === "in-progress") times.push(verdict.nextLookMs);
  }
  for (const placement of Object.values(state.placements)) times.push(leavesUntilMs(state, placement) ?? Infinity);
  for (const { slot, good, old } of views) {
    times.push(slot.notBeforeMs);
    for (const placement of [...good, ...old]) times.push(availableAtMs(state, placement) ?? Infinity);
  }
  const next = Math.min(...times.filter((atMs) => atMs > nowMs));
  return Number.isFinite(next) ? next : undefined;
}

/** Placements that were never given to a node end at once when they are no longer wanted. */
function drop(draft: Draft): void {
  const placementIds = Object.values(draft.state.placements)
    .filter((placement) => !isActive(placement) && placement.stage.stage !== "assigned")
    .map((placement) => placement.placementId);
  if (placementIds.length > 0) draft.add({ type: "placements.ended", placementIds, because: "never-placed" });
}

/** What traffic could reach leaves the pools first; everything else stops at once. */
function stop(draft: Draft, placements: readonly PlacementRecord[]): void {
  const [reached, unreached] = [placements.filter(isReached), placements.filter((placement) => !isReached(placement))];
  if (reached.length > 0) draft.add({ type: "placements.withdrawal-requested", placementIds: reached.map(idOf) });
  if (unreached.length > 0) draft.add({ type: "placements.stop-requested", placementIds: unreached.map(idOf) });
}

function isReached({ enteredAtMs }: PlacementRecord): boolean {
  return enteredAtMs !== undefined;
}

function idOf({ placementId }: PlacementRecord): string {
  return placementId;
}

function stopOverdue(draft: Draft): void {
  const isOverdue = (placement: PlacementRecord): boolean => (leavesUntilMs(draft.state, placement) ?? Infinity) <= draft.nowMs;
  const placementIds = Object.values(draft.state.placements).filter(isOverdue).map(idOf);
  if (placementIds.length > 0) draft.add({ type: "placements.stop-requested", placementIds });
}

function stopAll(draft: Draft): void {
  stop(draft, Object.values(draft.state.placements).filter(isActive));
  const slots = Object.keys(draft.state.slots).map(Number);
  if (slots.length > 0) draft.add({ type: "slots.removed", slots });
}

function retireExcess(draft: Draft): void {
  const { replicas } = draft.state;
  stop(
    draft,
    Object.values(draft.state.placements).filter((placement) => isActive(placement) && placement.slot > replicas),
  );
  const slots = Object.keys(draft.state.slots)
    .map(Number)
    .filter((number) => number > replicas);
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

/** A replica that cannot work on its node, for reasons of the node, is tried elsewhere. */
function relocate(draft: Draft): void {
  for (const { slot, good } of draft.views) {
    for (const placement of good) {
      const failure = placement.status?.failure;
      if (failure === undefined || placement.stage.stage !== "assigned" || isHealthy(placement)) continue;
      if (!OF_THE_NODE.has(failure.code) || (placement.status?.restarts ?? 0) < ATTEMPTS_BEFORE_RELOCATION) continue;
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
  if (!isMoving(draft.state)) return;
  const wanted = contentOf(draft.state, revision);
  const waiting = draft.views
    .filter(({ slot }) => slot.revision !== revision)
    .flatMap(({ good, old }) => [...good, ...old])
    .filter(({ stage, contentOf: content }) => stage.stage !== "assigned" && content !== wanted);
  stop(draft, waiting);
}

/** Slots nothing lives in cost no availability: they start at once, at the newest revision while a rollout moves slots, else at their own. */
function fillEmpty(draft: Draft): void {
  const revision = isMoving(draft.state) ? draft.state.revision : draft.state.succeeded || draft.state.revision;
  const content = (slot: SlotView["slot"]): number => contentOf(draft.state, isMoving(draft.state) ? revision : slot.revision || revision);
  const empty = draft.views
    .filter(({ slot, good, old }) => good.length + old.length === 0 && slot.notBeforeMs <= draft.nowMs && !hasEnded(slot, content(slot)))
    .map(({ slot }) => slot);
  const toMove = empty.filter((slot) => slot.revision === 0 || (isMoving(draft.state) && slot.revision !== revision));
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

function retarget(draft: Draft, slots: readonly number[], revision: number): void {
  if (slots.length > 0) draft.add({ type: "slots.retargeted", slots, revision });
}

/** Replaces what is of an older revision or being evacuated, never beyond the budget. */
function replaceOld(draft: Draft): void {
  adoptSameContent(draft);
  retireSuperseded(draft);
  const views = draft.views;
  const room = new RolloutRoom(draft.state, views, draft.nowMs);
  const next = views.filter((view) => needsSuccessor(draft.state, view) && view.slot.notBeforeMs <= draft.nowMs);
  const slots: number[] = [];
  const goFirst: PlacementRecord[] = [];
  for (const view of next) {
    const permission = room.take(view);
    if (permission === "no") continue;
    slots.push(view.slot.number);
    if (permission === "old-first") goFirst.push(...view.good, ...view.old);
  }
  if (isMoving(draft.state)) retarget(draft, slots, draft.state.revision);
  stop(draft, goFirst);
  request(draft, slots);
}

/** A slot whose replica already runs the wanted content, as after a rollback, only changes its number. */
function adoptSameContent(draft: Draft): void {
  if (!isMoving(draft.state)) return;
  const { revision } = draft.state;
  const wanted = contentOf(draft.state, revision);
  const slots = draft.views
    .filter(
      ({ slot, good, old }) =>
        slot.revision !== revision && (hasEnded(slot, wanted) || [...good, ...old].some((placement) => placement.contentOf === wanted)),
    )
    .map(({ slot }) => slot.number);
  retarget(draft, slots, revision);
}

/** A slot that waits for its successor needs one replica until then. Others, of a change that was never finished, would take up the successor's room. */
function retireSuperseded(draft: Draft): void {
  const { state, nowMs } = draft;
  const merit = (placement: PlacementRecord): number =>
    (isHealthy(placement) ? 4 : 0) + (isAvailable(state, placement, nowMs) ? 2 : 0) + (placement.evacuation === undefined ? 1 : 0);
  const surplus = draft.views
    .filter((view) => needsSuccessor(state, view))
    .flatMap(({ good, old }) => [...good, ...old].toSorted((a, b) => merit(b) - merit(a)).slice(1));
  stop(draft, surplus);
}

/** Ends the rollout when it is due, and begins the way back when the policy says so. */
function judge(draft: Draft): void {
  const { rollout, mode, placements } = draft.state;
  if (rollout === undefined || rollout.outcome !== "in-progress") {
    // The last replica may stop long after the deletion's deadline has passed.
    if (mode === "deleting" && Object.keys(placements).length === 0) draft.add({ type: "deployment.deleted" });
    return;
  }
  const verdict = verdictOf(draft.state, draft.nowMs, draft.views);
  if (verdict.kind === "in-progress") return;
  if (verdict.kind === "succeeded") {
    draft.add({ type: "rollout.ended", id: rollout.id, outcome: "succeeded", reason: undefined });
    if (draft.state.mode === "deleting") draft.add({ type: "deployment.deleted" });
    return;
  }
  const target = rollbackTarget(draft.state, rollout.change);
  if (target === undefined) {
    draft.add({ type: "rollout.ended", id: rollout.id, outcome: "failed", reason: verdict.reason });
    return;
  }
  draft.add({ type: "rollout.ended", id: rollout.id, outcome: "rolled-back", reason: verdict.reason });
  const changes = diff(templateOf(draft.state, contentOf(draft.state, rollout.revision)), templateOf(draft.state, target));
  beginRevision(draft, {
    contentOf: target,
    change: "automatic-rollback",
    diff: changes,
    cause: verdict.reason,
    by: "odysseus",
    via: "system",
  });
}

const CAN_ROLL_BACK: ReadonlySet<ChangeKind> = new Set(["update", "rollback", "restart"]);

/** Content of the last revision that succeeded, unless it is the one that fails: repeating that would loop. */
function rollbackTarget(state: DeploymentState, change: ChangeKind): number | undefined {
  const failing = revisionOf(state, state.revision);
  const proven = revisionOf(state, state.succeeded);
  if (!CAN_ROLL_BACK.has(change) || failing === undefined || proven === undefined) return undefined;
  // Going back would run the older job again, which nobody asked for.
  if (failing.template.run === "job") return undefined;
  if (failing.template.rollout.onFailure !== "rollback" || failing.contentOf === proven.contentOf) return undefined;
  return proven.contentOf;
}

/** A revision that repeats an older one's content, and the rollout towards it. */
export function beginRevision(
  draft: Draft,
  {
    contentOf: content,
    ...rollout
  }: { readonly contentOf: number; readonly change: ChangeKind; readonly diff: readonly FieldChange[]; readonly cause?: string } & Author,
): void {
  const source = revisionOf(draft.state, content) ?? draft.state.revisions.find((revision) => revision.contentOf === content);
  if (source === undefined) throw new Error(`${draft.state.name}: content ${content} is not known`);
  const number = (draft.state.revisions.at(-1)?.number ?? 0) + 1;
  draft.add({ type: "revision.created", number, contentOf: content, template: source.template, platforms: source.platforms });
  const deadlineAtMs = draft.nowMs + source.template.rollout.wholeDeadlineMs;
  draft.add({ type: "rollout.started", revision: number, deadlineAtMs, ...rollout });
}
