import type { ChangeKind, DeploymentStatus, ReplicaPhase } from "./contract.ts";
import { contentOf, hasEnded, isActive, isDisconnected, isHealthy } from "./replica.ts";
import { slotViews } from "./slot-views.ts";
import { closedBecause, isGlobal, presentNodes, wantedSlots } from "./global.ts";
import { oneSentence } from "./sentence.ts";
import type { DeploymentState, PlacementRecord } from "./state.ts";

export interface StatusLine {
  readonly status: DeploymentStatus;
  /** One sentence. */
  readonly reason: string;
}

/** The only place where a deployment's status is decided. */
export function statusOf(state: DeploymentState): StatusLine {
  const { rollout, mode } = state;
  const replicas = wantedSlots(state).length;
  const active = Object.values(state.placements).filter(isActive);
  const healthy = new Set(active.filter(isHealthy).map((placement) => placement.slot)).size;
  const left = Object.keys(state.placements).length;
  if (mode === "deleting") return { status: "deleting", reason: `${left === 1 ? "1 replica" : `${left} replicas`} still to stop` };
  if (mode === "stopped")
    return left === 0
      ? { status: "stopped", reason: "stopped on request" }
      : { status: "stopping", reason: `${left === 1 ? "1 replica" : `${left} replicas`} still to stop` };
  const ends = slotEnds(state);
  const all = isGlobal(state) ? `${replicas} ${replicas === 1 ? "node" : "nodes"}` : `${replicas}`;
  const count = ends.completed === 0 ? `${healthy} of ${all} healthy` : `${healthy} of ${all} healthy, ${ends.completed} completed`;
  const well = healthy + ends.completed;
  if (rollout?.outcome === "in-progress") return inProgress(state, active, count);
  if (rollout?.outcome === "failed" && (well < replicas || rollout.change !== "scale"))
    return { status: "failed", reason: `${rollout.change} failed: ${rollout.reason ?? "no reason known"} (${count})` };
  if (well < replicas)
    return { status: "degraded", reason: oneSentence(`${count}${firstTrouble(active) || ends.trouble}${nodeTroubles(state)}`) };
  if (ends.completed === replicas && replicas > 0) return { status: "completed", reason: `${ends.completed} of ${all} completed` };
  return { status: "running", reason: oneSentence(`${count}${nodeTroubles(state)}`) };
}

/** Replicas that ended for good: how many as they were meant to, and why the first of the others did not. */
function slotEnds(state: DeploymentState): { readonly completed: number; readonly trouble: string } {
  const ended = slotViews(state).flatMap(({ slot }) =>
    hasEnded(slot, contentOf(state, slot.revision || state.revision)) ? (slot.ended ?? []) : [],
  );
  const trouble = ended.find(({ outcome }) => outcome === "failed")?.reason;
  return { completed: ended.filter(({ outcome }) => outcome === "succeeded").length, trouble: trouble === undefined ? "" : `; ${trouble}` };
}

/** What a global deployment does without on its nodes, or on all: `; n3 is unreachable (its agent is silent)`. */
function nodeTroubles(state: DeploymentState): string {
  if (!isGlobal(state)) return "";
  const views = slotViews(state);
  const without = views.filter(({ slot, good, old }) => slot.ended === undefined && ![...good, ...old].some(isHealthy));
  const behind = views.filter(({ slot }) => slot.revision !== state.revision && state.succeeded === state.revision);
  const words = [
    ...without.flatMap(({ slot }) => closedBecause(state, slot) ?? []),
    ...behind.flatMap(({ slot }) =>
      without.some((view) => view.slot === slot)
        ? []
        : [`${slot.node} stays at revision ${slot.revision} while ${closedBecause(state, slot) ?? "it is being replaced"}`],
    ),
    ...(views.length === 0 ? (presentNodes(state)?.rejections ?? []).map(({ reason }) => `no node fits: ${reason}`).slice(0, 1) : []),
  ];
  return words.length === 0 ? "" : `; ${words.join("; ")}`;
}

/** Changes that replace replicas which go on serving meanwhile: how many are healthy says nothing about how far they have come. */
const REPLACING: ReadonlySet<ChangeKind> = new Set(["update", "restart", "rollback", "automatic-rollback"]);

function inProgress(state: DeploymentState, active: readonly PlacementRecord[], healthy: string): StatusLine {
  const { rollout } = state;
  const count = rollout !== undefined && REPLACING.has(rollout.change) ? `${updated(state)} updated, ${healthy}` : healthy;
  if (rollout?.change === "rollback" || rollout?.change === "automatic-rollback")
    return { status: "rolling-back", reason: `to revision ${rollout.revision}: ${count}${firstTrouble(active)}` };
  const isWaiting = active.some(({ stage }) => stage.stage !== "assigned");
  return {
    status: isWaiting ? "scheduling" : "starting",
    reason: `${rollout?.change ?? "change"} under way: ${count}${firstTrouble(active)}`,
  };
}

/** `2 of 5`: replicas of the new revision that are healthy and have no predecessor beside them any more. */
function updated(state: DeploymentState): string {
  const views = slotViews(state);
  const done = views.filter(
    ({ slot, good, old }) => slot.revision === state.revision && old.length === 0 && good.some((placement) => isHealthy(placement)),
  );
  return `${done.length} of ${views.length}`;
}

function firstTrouble(active: readonly PlacementRecord[]): string {
  // What those on lost nodes were in trouble with says nothing of now; that they are awaited is told with its age, when somebody looks.
  const troubled = active.find((placement) => !isHealthy(placement) && !isDisconnected(placement) && troubleOf(placement) !== "");
  return troubled === undefined ? "" : `; ${troubled.placementId}: ${troubleOf(troubled)}`;
}

/** Why a replica is not what it should be, in one sentence; empty when there is nothing to explain. */
export function troubleOf(placement: PlacementRecord): string {
  return oneSentence(wholeTroubleOf(placement));
}

function wholeTroubleOf({ stage, status, evacuation }: PlacementRecord): string {
  if (stage.stage === "pending") return stage.rejections.map((rejection) => rejection.reason).join("; ");
  if (status?.failure !== undefined) return status.failure.message;
  if (status?.current.phase === "running" && status.current.health === "unhealthy")
    return `health check fails${status.current.healthOutput === undefined ? "" : `: ${status.current.healthOutput}`}`;
  return evacuation ?? "";
}

export function phaseOf({ stage, status, ended, desired }: PlacementRecord): ReplicaPhase {
  if (stage.stage !== "assigned") return stage.stage;
  if (ended !== undefined) return ended === "succeeded" ? "completed" : "failed";
  const current = status?.current;
  if (current?.phase === "ended") return current.outcome === "succeeded" ? "completed" : "failed";
  const phase = current?.phase ?? "accepted";
  if (desired !== "running" && phase !== "stopped") return "draining";
  return phase === "accepted" ? "assigned" : phase;
}
