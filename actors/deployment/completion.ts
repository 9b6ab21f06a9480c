import { excuseOf } from "./excuses.ts";
import { isDone, isGlobal, notReady, presentNodes } from "./global.ts";
import { isAvailable, isMoving } from "./replica.ts";
import { excessOf, type SlotView } from "./slot-views.ts";
import type { DeploymentState, PlacementRecord } from "./state.ts";

export type Completion =
  /** All slots are as they are to be, except those that are excused. */
  | { readonly kind: "complete"; readonly excuses: readonly string[] }
  /** Whoever is waited for is excused, and nobody is as they are to be. */
  | { readonly kind: "none-took-it"; readonly excuses: readonly string[] }
  | { readonly kind: "incomplete" };

export function completionOf(state: DeploymentState, nowMs: number, views: readonly SlotView[]): Completion {
  if (excessOf(state).length > 0) return { kind: "incomplete" };
  const left = views.filter((view) => !isAsWanted(state, view, nowMs));
  const list = presentNodes(state);
  if (isGlobal(state) && list === undefined) return { kind: "incomplete" };
  const excuses = left.flatMap((view) => excuseOf(state, view, nowMs) ?? []);
  if (excuses.length < left.length) return { kind: "incomplete" };
  if (left.length < views.length) return { kind: "complete", excuses };
  if (!isGlobal(state) || list === undefined) return { kind: views.length === 0 ? "complete" : "none-took-it", excuses };
  if (list.nodes.length > 0)
    return { kind: "none-took-it", excuses: views.length > 0 ? excuses : list.nodes.flatMap((node) => notReady(node) ?? []) };
  // It is rolled out to where it belongs: nowhere, now.
  const why = list.rejections.map(({ reason }) => reason).join("; ");
  return { kind: "complete", excuses: [`no node fits${why === "" ? "" : `: ${why}`}`] };
}

function isAsWanted(state: DeploymentState, { slot, good, old }: SlotView, nowMs: number): boolean {
  if (isSpared(state, [...good, ...old])) return true;
  if (old.length > 0 || (slot.revision !== state.revision && isMoving(state))) return false;
  const [best, ...rest] = good;
  if (isDone(state, slot)) return best === undefined;
  return best !== undefined && rest.length === 0 && isAvailable(state, best, nowMs);
}

/** A change of what replicas do not carry says nothing of those that it found, nor they of it. */
function isSpared({ rollout }: DeploymentState, placements: readonly PlacementRecord[]): boolean {
  return rollout?.spares === true && placements.every(({ requestedAtMs }) => requestedAtMs < rollout.startedAtMs);
}
