import type { Draft } from "./draft.ts";
import { isActive, isDisconnected, isWaiting, leavesUntilMs } from "./replica.ts";
import type { PlacementRecord } from "./state.ts";

/** How replicas leave: the part of `advance` that is about it. */

/** Placements that were never given to a node end at once when they are no longer wanted. */
export function drop(draft: Draft): void {
  const placementIds = Object.values(draft.state.placements)
    .filter((placement) => !isActive(placement) && placement.stage.stage !== "assigned")
    .map((placement) => placement.placementId);
  if (placementIds.length > 0) draft.add({ type: "placements.ended", placementIds, because: "never-placed" });
}

/** What is on a lost node ends for a deployment that does not wait for it: should it still run, it is stopped when the node is back. */
export function giveUpDisconnected(draft: Draft): void {
  const placementIds = Object.values(draft.state.placements).filter(isDisconnected).map(idOf);
  if (placementIds.length > 0 && !isWaiting(draft.state)) draft.add({ type: "placements.ended", placementIds, because: "lost" });
}

/** What traffic could reach leaves the pools first; everything else stops at once. */
export function stop(draft: Draft, placements: readonly PlacementRecord[]): void {
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

export function stopOverdue(draft: Draft): void {
  const isOverdue = (placement: PlacementRecord): boolean => (leavesUntilMs(draft.state, placement) ?? Infinity) <= draft.nowMs;
  const placementIds = Object.values(draft.state.placements).filter(isOverdue).map(idOf);
  if (placementIds.length > 0) draft.add({ type: "placements.stop-requested", placementIds });
}

export function stopAll(draft: Draft): void {
  stop(draft, Object.values(draft.state.placements).filter(isActive));
  const slots = Object.keys(draft.state.slots).map(Number);
  if (slots.length > 0) draft.add({ type: "slots.removed", slots });
}
