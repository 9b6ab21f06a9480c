import type { Assignment } from "../actors/node/assignment-contract.ts";
import { compareAssignments } from "./assignment-order.ts";
import { labelNumber } from "./desired-container.ts";
import { LABEL } from "./labels.ts";
import type { KnownContainer } from "./plan.ts";

export interface Orphan {
  readonly placementId: string;
  readonly container: KnownContainer;
}

/** Containers of ours that the assignment does not know, and that are not newer than it. Without an assignment nothing is known to be superfluous. */
export function orphansAmong(
  containers: readonly KnownContainer[],
  assignment: Assignment | undefined,
  isKnown: (placementId: string) => boolean,
): readonly Orphan[] {
  if (assignment === undefined) return [];
  const seen = new Set<string>();
  return containers.flatMap((container) => {
    const placementId = container.labels[LABEL.placement];
    if (placementId === undefined || isKnown(placementId) || seen.has(placementId)) return [];
    const madeFor = { epoch: labelNumber(container.labels, LABEL.epoch), number: labelNumber(container.labels, LABEL.generation) };
    if (compareAssignments(madeFor, assignment) > 0) return [];
    seen.add(placementId);
    return [{ placementId, container }];
  });
}
