import { isWaiting } from "../../../actors/deployment/replica.ts";
import type { DeploymentState } from "../../../actors/deployment/state.ts";
import type { DeploymentStep, TruthListener } from "../truth.ts";
import type { Report } from "../violation.ts";

/**
 * A deployment that waits out partitions starts nothing in the stead of a replica that may still run on a lost node. Which ones may is followed here from what
 * was reported and heard, whatever the deployment makes of it.
 */
export function partitionChecks(report: Report): TruthListener {
  /** Placements that may run where nobody looks, by deployment. */
  const missed = new Map<string, Map<string, number>>();
  return {
    deployment: (step) => {
      const { before, event } = step;
      const ofThis = missed.get(before.name) ?? new Map<string, number>();
      missed.set(before.name, ofThis);
      if (before.revisions.length > 0 && isWaiting(before)) checkStep(step, ofThis, report);
      follow(ofThis, before, event);
    },
  };
}

function checkStep({ before, event }: DeploymentStep, missed: ReadonlyMap<string, number>, report: Report): void {
  const wrong = (why: string): void => report("nobody takes the place of who may still run behind a partition", `${before.name}: ${why}`);
  if (event.type === "placements.ended" && event.because === "lost") wrong(`${event.placementIds.join(", ")} given up`);
  if (event.type !== "placements.requested") return;
  for (const { placementId, slot } of event.placements) {
    const [other] = [...missed].find(([, missedSlot]) => missedSlot === slot) ?? [];
    if (other !== undefined) wrong(`${placementId} is started in the stead of ${other}`);
    const left = Object.values(before.placements).filter((placement) => placement.slot === slot);
    const isAlone = left.length > 0 && left.every(({ desired }) => desired !== "running");
    if (isAlone) wrong(`${placementId} is started before ${left.map((placement) => placement.placementId).join(", ")} ended`);
  }
}

function follow(missed: Map<string, number>, { placements }: DeploymentState, event: DeploymentStep["event"]): void {
  if (event.type === "placements.disconnected") for (const id of event.placementIds) missed.set(id, placements[id]?.slot ?? 0);
  if (event.type === "placements.observed") for (const { placementId } of event.statuses) missed.delete(placementId);
  if (event.type === "placements.ended") for (const id of event.placementIds) missed.delete(id);
}
