import type { DecideContext } from "../../runtime/actor.ts";
import type { RowChange } from "../../runtime/journal.ts";
import type { ChangeView, ContainerView, DeploymentView, RolloutView } from "../views.ts";
import { awaitedReplicas } from "./awaited-replicas.ts";
import { nextBatchAtMs } from "./batches.ts";
import { wantedSlots } from "./global.ts";
import { REPLICAS_OF_A_GLOBAL } from "./mode-problems.ts";
import { contentOf, isActive, isDisconnected, isHealthy, revisionOf, templateOf } from "./replica.ts";
import { slotViews } from "./slot-views.ts";
import { isAsOrdered } from "./standing.ts";
import type { DeploymentState, PlacementRecord, Rollout } from "./state.ts";
import { phaseOf, statusOf, troubleOf } from "./status.ts";

/** Rows of the read model that a decision changed. */
export function project(before: DeploymentState, after: DeploymentState, { meta }: DecideContext): readonly RowChange[] {
  if (before === after) return [];
  const rows: RowChange[] = [];
  if (after.mode === "absent") rows.push({ change: "delete", kind: "deployment", id: after.name });
  else rows.push({ change: "put", kind: "deployment", id: after.name, parent: "", body: deploymentView(after) });
  for (const ended of Object.keys(before.placements))
    if (!(ended in after.placements)) rows.push({ change: "delete", kind: "container", id: ended });
  for (const placement of Object.values(after.placements))
    if (before.placements[placement.placementId] !== placement) rows.push(containerRow(after, placement));
  if (before.remains !== after.remains) rows.push(...remainsRows(before, after));
  if (after.rollout !== undefined && before.rollout !== after.rollout)
    rows.push(...changeRows(before, after, after.rollout, meta.principal.id));
  return rows;
}

function deploymentView(state: DeploymentState): DeploymentView {
  const active = Object.values(state.placements).filter(isActive);
  const content = contentOf(state, state.revision);
  const template = templateOf(state, content);
  const { image, ...fields } = template;
  const awaited = awaitedReplicas(state);
  return {
    name: state.name,
    generation: state.generation,
    ...statusOf(state),
    revision: state.revision,
    image,
    replicas: wantedSlots(state).length,
    healthyReplicas: new Set(active.filter(isHealthy).map((placement) => placement.slot)).size,
    updatedReplicas: active.filter((placement) => placement.contentOf === content).length,
    pendingReplicas: active.filter(({ stage }) => stage.stage !== "assigned").length,
    restarts: active.reduce((sum, { status }) => sum + (status?.restarts ?? 0), 0),
    spec: { ...fields, image: image.reference, replicas: template.mode === "global" ? REPLICAS_OF_A_GLOBAL : state.replicas },
    rollout: { ...rolloutView(state.rollout), ...nextBatch(state) },
    ...(awaited.length === 0 ? {} : { awaited }),
    ...(state.membership === undefined ? {} : { stack: state.membership.stack, drifted: !isAsOrdered(state, state.membership) }),
    createdAtMs: state.createdAtMs,
    changedAtMs: state.changedAtMs,
  };
}

function nextBatch(state: DeploymentState): Pick<RolloutView, "nextBatchAtMs"> {
  const atMs = state.rollout?.outcome === "in-progress" ? nextBatchAtMs(state, slotViews(state)) : undefined;
  return atMs === undefined ? {} : { nextBatchAtMs: atMs };
}

function rolloutView(rollout: Rollout | undefined): RolloutView {
  if (rollout === undefined) return { id: 0, change: "create", revision: 0, outcome: "in-progress", startedAtMs: 0 };
  const { id, change, revision, outcome, reason, startedAtMs, endedAtMs, deadlineAtMs } = rollout;
  return {
    id,
    change,
    revision,
    outcome,
    startedAtMs,
    deadlineAtMs,
    ...(reason === undefined ? {} : { reason }),
    ...(endedAtMs === undefined ? {} : { endedAtMs }),
  };
}

function containerRow(state: DeploymentState, placement: PlacementRecord): RowChange {
  return { change: "put", kind: "container", id: placement.placementId, parent: state.name, body: containerView(state, placement) };
}

function containerView(state: DeploymentState, placement: PlacementRecord): ContainerView {
  const { stage, status } = placement;
  const template = templateOf(state, placement.contentOf);
  const current = status?.current;
  const view: ContainerView = {
    id: placement.placementId,
    deployment: state.name,
    slot: placement.slot,
    revision: placement.contentOf,
    image: template.image.reference,
    phase: phaseOf(placement),
    health: isDisconnected(placement) ? "unknown" : current?.phase === "running" ? current.health : "none",
    reason: troubleOf(placement),
    sinceMs: stage.stage === "assigned" ? placement.phaseSinceMs : stage.sinceMs,
    attempt: status?.attempt ?? 0,
    restarts: status?.restarts ?? 0,
    rejections: stage.stage === "pending" ? stage.rejections.map((rejection) => ({ ...rejection, nodes: [...rejection.nodes] })) : [],
    ports: [...template.ports],
  };
  return {
    ...view,
    ...(stage.stage === "assigned" ? { node: stage.node } : {}),
    ...(status === undefined ? {} : { observedAtMs: status.observedAtMs }),
    ...(current?.phase === "running" ? { containerId: current.containerId, startedAtMs: current.startedAtMs } : {}),
    ...(current?.phase === "backing-off" ? { nextAttemptAtMs: current.nextAttemptAtMs } : {}),
    ...(status?.failure === undefined ? {} : { failure: status.failure }),
    ...(status?.lastExit === undefined ? {} : { lastExit: status.lastExit }),
  };
}

/** Replicas that ended badly stay to be looked at, as `stopped`. */
function remainsRows(before: DeploymentState, after: DeploymentState): readonly RowChange[] {
  const kept = new Set(after.remains);
  const gone = before.remains
    .filter((record) => !kept.has(record))
    .map((record): RowChange => ({ change: "delete", kind: "container", id: record.placementId }));
  const known = new Set(before.remains);
  const added = after.remains.filter((record) => !known.has(record) && holdsTemplate(after, record));
  return [...gone, ...added.map((record) => containerRow(after, { ...record, desired: "stopped", status: stoppedStatus(record) }))];
}

function stoppedStatus({ status }: PlacementRecord): PlacementRecord["status"] {
  return status === undefined ? undefined : { ...status, current: { phase: "stopped" } };
}

function holdsTemplate(state: DeploymentState, record: PlacementRecord): boolean {
  return state.revisions.some((revision) => revision.contentOf === record.contentOf);
}

function changeRows(before: DeploymentState, after: DeploymentState, rollout: Rollout, author: string): readonly RowChange[] {
  const ended =
    before.rollout !== undefined && before.rollout.id !== rollout.id && before.rollout.outcome === "in-progress"
      ? [supersededBy(before.rollout, rollout, author)]
      : [];
  return [...ended, rollout].map((each): RowChange => {
    const body: ChangeView = {
      deployment: after.name,
      change: each.change,
      generation: each.id,
      revision: each.revision,
      contentOf: revisionOf(after, each.revision)?.contentOf ?? each.revision,
      by: each.by,
      via: each.via,
      atMs: each.startedAtMs,
      diff: each.diff.map((line) => ({ ...line })),
      rollout: rolloutView(each),
    };
    return { change: "put", kind: "change", id: `${after.name}.${String(each.id).padStart(8, "0")}`, parent: after.name, body };
  });
}

/** The state holds the newest rollout alone, so how its predecessor ended is read off what followed it. */
function supersededBy(rollout: Rollout, next: Rollout, author: string): Rollout {
  return next.change === "automatic-rollback"
    ? { ...rollout, outcome: "rolled-back", reason: next.cause, endedAtMs: next.startedAtMs }
    : { ...rollout, outcome: "superseded", reason: `a newer change by ${author} took its place`, endedAtMs: next.startedAtMs };
}
