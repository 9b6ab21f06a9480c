import type { PlacementStatus } from "../node/observed-contract.ts";
import type { DeploymentState, PlacementRecord } from "./state.ts";

/** How the placements of a deployment change: the part of `evolve` that is about them. Pure, as all of it. */

export function requested(
  state: DeploymentState,
  list: readonly { placementId: string; slot: number; contentOf: number }[],
  atMs: number,
): DeploymentState {
  const placements = { ...state.placements };
  for (const { placementId, slot, contentOf } of list) {
    placements[placementId] = {
      placementId,
      slot,
      contentOf,
      desired: "running",
      leavingSinceMs: undefined,
      stage: { stage: "requested", sinceMs: atMs },
      evacuation: undefined,
      status: undefined,
      phaseSinceMs: atMs,
      healthySinceMs: undefined,
      enteredAtMs: undefined,
      requestedAtMs: atMs,
    };
  }
  return { ...state, placements, nextSequence: state.nextSequence + list.length };
}

export function observed(record: PlacementRecord, status: PlacementStatus, atMs: number): PlacementRecord {
  const isHealthy = status.current.phase === "running" && status.current.health === "healthy";
  const isSamePhase = record.status?.current.phase === status.current.phase && record.status.attempt === status.attempt;
  const isReachable =
    record.desired === "running" && isHealthy && status.current.phase === "running" && (status.current.endpoints?.length ?? 0) > 0;
  const staysHealthy = isSamePhase && record.healthySinceMs !== undefined;
  return {
    ...record,
    status: status.current.phase === "stopped" ? withEvidence(status, record.status) : status,
    disconnectedSinceMs: undefined,
    phaseSinceMs: isSamePhase ? record.phaseSinceMs : atMs,
    healthySinceMs: isHealthy ? (staysHealthy ? record.healthySinceMs : atMs) : undefined,
    enteredAtMs: record.enteredAtMs ?? (isReachable ? atMs : undefined),
  };
}

/** How many ended placements keep their evidence. */
export const MAX_REMAINS = 20;

export function remaining(state: DeploymentState, placementIds: readonly string[]): readonly PlacementRecord[] {
  const ended = placementIds.flatMap((placementId) => state.placements[placementId] ?? []);
  const telling = ended.filter(
    ({ status, ended: end }) => status !== undefined && (status.failure !== undefined || status.restarts > 0 || end !== undefined),
  );
  return telling.length === 0 ? state.remains : [...state.remains, ...telling].slice(-MAX_REMAINS);
}

/** The last word of a placement may say no more why it was in trouble; what was known of that is kept. */
function withEvidence(last: PlacementStatus, before: PlacementStatus | undefined): PlacementStatus {
  if (before === undefined) return last;
  const failure = last.failure ?? before.failure;
  const lastExit = before.failure !== undefined && before.lastExit !== undefined ? before.lastExit : (last.lastExit ?? before.lastExit);
  const restarts = Math.max(last.restarts, before.restarts);
  return { ...last, restarts, ...(failure === undefined ? {} : { failure }), ...(lastExit === undefined ? {} : { lastExit }) };
}

export function eachPlacement<Item extends { readonly placementId: string }>(
  state: DeploymentState,
  items: readonly Item[],
  change: (record: PlacementRecord, item: Item) => PlacementRecord,
): DeploymentState {
  const placements = { ...state.placements };
  for (const item of items) {
    const record = placements[item.placementId];
    if (record !== undefined) placements[item.placementId] = change(record, item);
  }
  return { ...state, placements };
}

export function eachId(
  state: DeploymentState,
  placementIds: readonly string[],
  change: (record: PlacementRecord) => PlacementRecord,
): DeploymentState {
  return eachPlacement(
    state,
    placementIds.map((placementId) => ({ placementId })),
    change,
  );
}
