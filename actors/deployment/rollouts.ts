import type { DeploymentEvent } from "./events.ts";
import { withMembership } from "./membership.ts";
import { isHealthy, isWayBack } from "./replica.ts";
import type { DeploymentState, PastFailures, Rollout } from "./state.ts";

/** How a rollout begins and ends: the part of `evolve` that is about it. Pure, as all of it. */

export function startRollout(
  state: DeploymentState,
  event: Extract<DeploymentEvent, { type: "rollout.started" }>,
  atMs: number,
): DeploymentState {
  const { change, revision, deadlineAtMs, diff, spares, cause, by, via } = event;
  const id = state.generation + 1;
  const rollout: Rollout = {
    id,
    change,
    revision,
    outcome: "in-progress",
    reason: undefined,
    startedAtMs: atMs,
    deadlineAtMs,
    endedAtMs: undefined,
    diff,
    spares,
    cause,
    by,
    via,
    served: servedSlots(state),
    failedBefore: pastFailures(state),
  };
  const slots = spares !== true && isWayBack(change) ? withoutFailedEnds(state.slots) : state.slots;
  return { ...state, generation: id, changedAtMs: atMs, rollout, slots };
}

export function endRollout(
  state: DeploymentState,
  event: Extract<DeploymentEvent, { type: "rollout.ended" }>,
  atMs: number,
): DeploymentState {
  if (state.rollout?.id !== event.id) return state;
  const rollout: Rollout = { ...state.rollout, outcome: event.outcome, reason: event.reason, endedAtMs: atMs };
  const ended = withMembership(state, event);
  if (event.outcome !== "succeeded" || state.mode !== "running" || !isOfAll(state, rollout)) return { ...ended, rollout };
  const revisions = state.revisions.map((revision) =>
    revision.number === rollout.revision ? { ...revision, provenAtMs: revision.provenAtMs ?? atMs } : revision,
  );
  return { ...ended, rollout, revisions, succeeded: rollout.revision };
}

/** What failed for good when the deployment was there before is tried again. */
function withoutFailedEnds(slots: DeploymentState["slots"]): DeploymentState["slots"] {
  return Object.fromEntries(
    Object.entries(slots).map(([number, { ended, ...slot }]) => [number, ended?.outcome === "succeeded" ? { ...slot, ended } : slot]),
  );
}

/** A scaling leaves slots where they are: that all do well says nothing of a revision that some of them are not at. */
function isOfAll({ slots }: DeploymentState, { change, revision }: Rollout): boolean {
  return change !== "scale" || Object.values(slots).every((slot) => slot.revision === revision);
}

function servedSlots({ placements }: DeploymentState): readonly number[] {
  const healthy = Object.values(placements).filter(isHealthy);
  return [...new Set(healthy.map(({ slot }) => slot))];
}

function pastFailures({ placements }: DeploymentState): Readonly<Record<string, PastFailures>> {
  return Object.fromEntries(
    Object.values(placements).flatMap(({ placementId, status }) =>
      status?.failure === undefined ? [] : [[placementId, { restarts: status.restarts, atMs: status.failure.atMs }] as const],
    ),
  );
}
