import type { Placement } from "../actors/node/assignment-contract.ts";
import { newRecord, type PlacementRecord } from "./agent-state.ts";
import { labelNumber } from "./desired-container.ts";
import { LABEL } from "./labels.ts";
import { attemptOf, type KnownContainer } from "./plan.ts";

/** Of a container whose placement nobody can ask any more; Docker's own defaults. */
const DEFAULT_STOP = { stopSignal: "SIGTERM", stopGraceMs: 10_000 };

/** Where a record begins. */
export interface Beginning {
  /** The greatest sequence of placements that were forgotten. */
  readonly forgottenSequence: number;
  readonly atMs: number;
}

/** Of a placement that is new here; containers of it that are there already came before the disk was lost. */
export function recordOfPlacement(placement: Placement, containers: readonly KnownContainer[], beginning: Beginning): PlacementRecord {
  const { placementId, deployment, slot } = placement;
  const { stopSignal, stopGraceMs } = placement.template;
  const attempt = Math.max(1, ...containers.map(attemptOf));
  return newRecord({ placementId, deployment, slot, attempt, stopSignal, stopGraceMs, ...beginning });
}

/** Of a container that no assignment knows: its labels are all there is. */
export function recordOfOrphan(placementId: string, { labels }: KnownContainer, beginning: Beginning): PlacementRecord {
  const slot = Math.max(1, labelNumber(labels, LABEL.slot));
  const attempt = Math.max(1, labelNumber(labels, LABEL.attempt));
  return newRecord({ placementId, deployment: labels[LABEL.deployment] ?? "", slot, attempt, ...DEFAULT_STOP, ...beginning });
}
