import { availableAtMs, contentOf, templateInForce } from "./replica.ts";
import { needsSuccessor, type SlotView } from "./slot-views.ts";
import type { DeploymentState } from "./state.ts";

/**
 * When the next slots may be moved to the present revision: so long after the last replica of it counts as its policy says. Derived from what is known of the
 * replicas, so it holds over restarts. Undefined: nobody waits for it.
 */
export function nextBatchAtMs(state: DeploymentState, views: readonly SlotView[]): number | undefined {
  const content = contentOf(state, state.revision);
  const { delayMs } = templateInForce(state).rollout;
  if (!(delayMs > 0) || !views.some((view) => isHeldUp(state, view))) return undefined;
  const counting = views
    .flatMap(({ good, old }) => [...good, ...old])
    .flatMap((placement) => (placement.contentOf === content ? (availableAtMs(state, placement) ?? []) : []));
  return counting.length === 0 ? undefined : Math.max(...counting) + delayMs;
}

/** Whether a slot waits for its batch. Whoever has to leave its node waits for nothing. */
export function isHeldUp(state: DeploymentState, view: SlotView): boolean {
  const isToMove = view.slot.revision !== state.revision && needsSuccessor(state, view);
  return isToMove && [...view.good, ...view.old].some(({ evacuation }) => evacuation === undefined);
}
