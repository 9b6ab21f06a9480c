import type { DeploymentStatus, ReplicaPhase } from "./contract.ts";
import { isActive, isHealthy } from "./replica.ts";
import type { DeploymentState, PlacementRecord } from "./state.ts";

export interface StatusLine {
  readonly status: DeploymentStatus;
  /** One sentence. */
  readonly reason: string;
}

/** The only place where a deployment's status is decided. */
export function statusOf(state: DeploymentState): StatusLine {
  const { rollout, replicas, mode } = state;
  const active = Object.values(state.placements).filter(isActive);
  const healthy = new Set(active.filter(isHealthy).map((placement) => placement.slot)).size;
  const left = Object.keys(state.placements).length;
  if (mode === "deleting") return { status: "deleting", reason: `${left} replicas still to stop` };
  if (mode === "stopped")
    return left === 0
      ? { status: "stopped", reason: "stopped on request" }
      : { status: "stopping", reason: `${left} replicas still to stop` };
  const count = `${healthy} of ${replicas} healthy`;
  if (rollout?.outcome === "in-progress") return inProgress(state, active, count);
  if (rollout?.outcome === "failed" && (healthy < replicas || rollout.change !== "scale"))
    return { status: "failed", reason: `${rollout.change} failed: ${rollout.reason ?? "no reason known"} (${count})` };
  if (healthy < replicas) return { status: "degraded", reason: `${count}${firstTrouble(active)}` };
  return { status: "running", reason: count };
}

function inProgress(state: DeploymentState, active: readonly PlacementRecord[], count: string): StatusLine {
  const { rollout } = state;
  if (rollout?.change === "rollback" || rollout?.change === "automatic-rollback")
    return { status: "rolling-back", reason: `to revision ${rollout.revision}: ${count}${firstTrouble(active)}` };
  const isWaiting = active.some(({ stage }) => stage.stage !== "assigned");
  return {
    status: isWaiting ? "scheduling" : "starting",
    reason: `${rollout?.change ?? "change"} under way: ${count}${firstTrouble(active)}`,
  };
}

function firstTrouble(active: readonly PlacementRecord[]): string {
  const troubled = active.find((placement) => !isHealthy(placement) && troubleOf(placement) !== "");
  return troubled === undefined ? "" : `; ${troubled.placementId}: ${troubleOf(troubled)}`;
}

/** Why a replica is not what it should be, in one sentence; empty when there is nothing to explain. */
export function troubleOf(placement: PlacementRecord): string {
  const { stage, status, evacuation } = placement;
  if (stage.stage === "pending") return stage.rejections.map((rejection) => rejection.reason).join("; ");
  if (status?.failure !== undefined) return status.failure.message;
  if (status?.current.phase === "running" && status.current.health === "unhealthy")
    return `health check fails${status.current.healthOutput === undefined ? "" : `: ${status.current.healthOutput.trim()}`}`;
  return evacuation ?? "";
}

export function phaseOf({ stage, status, desired }: PlacementRecord): ReplicaPhase {
  if (stage.stage !== "assigned") return stage.stage;
  const phase = status?.current.phase ?? "accepted";
  if (desired === "stopped" && phase !== "stopped") return "draining";
  return phase === "accepted" ? "assigned" : phase;
}
