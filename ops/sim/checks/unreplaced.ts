import { isDeepStrictEqual } from "node:util";
import type { PinnedTemplate } from "../../../actors/deployment/contract.ts";
import { wantedSlots } from "../../../actors/deployment/global.ts";
import type { DeploymentState, PlacementRecord, Rollout } from "../../../actors/deployment/state.ts";
import type { DeploymentStep } from "../truth.ts";
import type { Report } from "../violation.ts";

const PROMISE = "what replicas do not carry replaces none";

/** Of a rollout that changes only what replicas do not carry, and that found them as they were wanted: no replica that goes on well is replaced, and each takes part in it. */
export function replacesNobodyInVain({ before, event, after }: DeploymentStep, report: Report): void {
  const { rollout } = before;
  if (event.type === "rollout.ended") {
    if (event.outcome !== "succeeded" || !isToSpare(before)) return;
    const behind = Object.values(before.placements).filter(
      (placement) => isOnDuty(before, placement) && placement.contentOf === before.revisions.at(-2)?.contentOf,
    );
    for (const { placementId, contentOf } of behind) report(PROMISE, `${placementId} stays at ${contentOf} after rollout ${event.id}`);
    return;
  }
  const slots = replacedBy({ before, event, after });
  if (slots.length === 0 || rollout === undefined || !isToSpare(before)) return;
  const inVain = Object.values(before.placements).filter(
    (placement) => slots.includes(placement.slot) && isOnDuty(before, placement) && placement.requestedAtMs < rollout.startedAtMs,
  );
  for (const { placementId } of inVain) report(PROMISE, `${placementId} is replaced by rollout ${rollout.id} (${pathsOf(rollout)})`);
}

/** Slots that are given another replica, or are left without one that had a healthy one. */
function replacedBy({ event, after }: Pick<DeploymentStep, "before" | "event" | "after">): readonly number[] {
  switch (event.type) {
    case "placements.requested":
      return event.placements.map(({ slot }) => slot);
    case "placements.stop-requested":
    case "placements.withdrawal-requested": {
      const left = new Set(Object.values(after.placements).flatMap(({ slot, desired }) => (desired === "running" ? [slot] : [])));
      const stopped = event.placementIds.flatMap((placementId) => after.placements[placementId]?.slot ?? []);
      return stopped.filter((slot) => !left.has(slot) && wantedSlots(after).includes(slot));
    }
    default:
      return [];
  }
}

/** Healthy, wanted, and where it may stay. */
function isOnDuty(state: DeploymentState, { desired, healthySinceMs, evacuation, slot }: PlacementRecord): boolean {
  return desired === "running" && healthySinceMs !== undefined && evacuation === undefined && wantedSlots(state).includes(slot);
}

/** Told from the revisions alone. */
function isToSpare(state: DeploymentState): boolean {
  const { rollout, revisions, succeeded } = state;
  const [before, now] = revisions.slice(-2);
  if (state.mode !== "running" || rollout?.outcome !== "in-progress" || before === undefined || now === undefined) return false;
  if (rollout.change !== "update" || now.number !== rollout.revision || before.number !== succeeded) return false;
  return isDeepStrictEqual(madeOf(before.template), madeOf(now.template));
}

/** What containers, agents and bookings know of a template. Containers of the simulation listen on one port. */
function madeOf({ ports, routes, drainMs: _drainMs, deploymentLabels: _labels, rollout: _rollout, ...rest }: PinnedTemplate): unknown {
  const isReached = routes.length > 0 || ports.some(({ mode, publishedPort }) => mode === "balanced" && publishedPort !== undefined);
  const bound = ports.flatMap(({ mode, publishedPort, containerPort }) => [containerPort, mode === "host" ? publishedPort : 0]);
  return { ...rest, isReached, bound };
}

function pathsOf({ diff }: Rollout): string {
  return diff.map(({ path }) => path).join(", ");
}
