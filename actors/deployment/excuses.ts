import { bringsForward, closedBecause, presentNodes } from "./global.ts";
import { failsBecauseOfNode } from "./node-failures.ts";
import { isDisconnected, templateOf } from "./replica.ts";
import { disconnectedIn, type SlotView } from "./slot-views.ts";
import type { DeploymentState, PlacementRecord, Slot } from "./state.ts";

/**
 * Why a slot does without its replica and holds up nobody, in a sentence; undefined: it is waited for. Nothing is expected of one that can have no other
 * replica, since its own is on a lost node, nor of the node of a global deployment that takes no replicas now. One that had a replica when the rollout began is
 * owed one: if it cannot have it any more, that is the rollout's doing.
 */
export function excuseOf(state: DeploymentState, view: SlotView, nowMs: number): string | undefined {
  const { slot, good } = view;
  const missed = disconnectedIn(view);
  const hasAnother = !isStillToCome(state, slot) && good.some((placement) => !isDisconnected(placement));
  if (missed !== undefined && !hasAnother) return disconnectedWords(missed);
  if (slot.node === undefined || presentNodes(state) === undefined) return undefined;
  const closed = closedBecause(state, slot);
  if (closed !== undefined) return closed;
  if (isOwed(state, slot) || isStillToCome(state, slot)) return undefined;
  for (const placement of good) {
    const why = unplaced(state, placement, nowMs) ?? (failsBecauseOfNode(placement) ? placement.status?.failure?.message : undefined);
    if (why !== undefined) return `${slot.node}: ${why}`;
  }
  return undefined;
}

function disconnectedWords({ placementId, stage }: PlacementRecord): string {
  return `${stage.stage === "assigned" ? stage.node : "its node"} is lost, and ${placementId} may still run there`;
}

/** What an older revision could not do there says nothing of the one that is to take its place. */
function isStillToCome(state: DeploymentState, slot: Slot): boolean {
  return bringsForward(state) && slot.revision !== state.revision;
}

function isOwed({ rollout }: DeploymentState, slot: Slot): boolean {
  return rollout?.outcome === "in-progress" && rollout.served.includes(slot.number);
}

function unplaced(state: DeploymentState, { stage, contentOf: content }: PlacementRecord, nowMs: number): string | undefined {
  if (stage.stage === "assigned") return undefined;
  const sinceMs = Math.max(stage.sinceMs, state.rollout?.startedAtMs ?? 0);
  if (sinceMs + templateOf(state, content).rollout.placeDeadlineMs > nowMs) return undefined;
  return stage.stage === "pending" ? stage.rejections.map(({ reason }) => reason).join("; ") : "it was not placed there";
}
