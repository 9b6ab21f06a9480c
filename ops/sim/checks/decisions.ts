import { budgetOf } from "../../../actors/deployment/budget.ts";
import type { PinnedTemplate } from "../../../actors/deployment/contract.ts";
import { excuseOf } from "../../../actors/deployment/excuses.ts";
import { wantedSlots } from "../../../actors/deployment/global.ts";
import { contentOf, templateInForce, templateOf } from "../../../actors/deployment/replica.ts";
import { slotViews } from "../../../actors/deployment/slot-views.ts";
import type { DeploymentState, PlacementRecord } from "../../../actors/deployment/state.ts";
import { partsOf } from "../../../runtime/address.ts";
import type { Commit } from "../../../runtime/journal.ts";
import type { DeploymentStep, TruthListener } from "../truth.ts";
import type { Report } from "../violation.ts";
import { replacesNobodyInVain } from "./unreplaced.ts";

/** What must be true of every decision at the moment it is written, whatever else is going wrong. */
export function decisionChecks(report: Report): TruthListener {
  let epoch = 0;
  const removed = new Set<string>();
  return {
    deployment: (step) => {
      keepsEnoughServing(step, report);
      succeedsTruly(step, report);
      findsItsPortFree(step, removed, report);
      staysOnItsNode(step, report);
      pausesBetweenBatches(step, report);
      replacesNobodyInVain(step, report);
    },
    committed: (commit: Commit) => {
      if (commit.epoch < epoch) report("epochs only grow", `${commit.stream} was written under ${commit.epoch} after ${epoch}`);
      epoch = Math.max(epoch, commit.epoch);
      if (commit.events.some(({ type }) => type === "node.removed")) removed.add(partsOf(commit.stream).name);
    },
  };
}

/** A stop may take away what serves only as far as the budget goes: what faults have taken already counts. */
function keepsEnoughServing({ before, event, after, atMs }: DeploymentStep, report: Report): void {
  const isAway = event.type === "placements.stop-requested" || event.type === "placements.withdrawal-requested";
  if (!isAway || before.mode !== "running") return;
  const template = templateInForce(before);
  const owed = owedSlots(before, atMs);
  const allowed = owed.size - budgetOf(template, owed.size).maxUnavailable;
  const [serving, left] = [before, after].map((state) => servingSlots(state, owed, template.mode)) as [number, number];
  if (left >= serving || left >= allowed) return;
  report(
    "never below replicas - maxUnavailable",
    `${before.name}: stopping ${event.placementIds.join(", ")} leaves ${left} of ${serving} serving; ${allowed} have to`,
  );
}

/** Slots that are to have a replica and can. */
function owedSlots(state: DeploymentState, atMs: number): ReadonlySet<number> {
  return new Set(
    slotViews(state)
      .filter((view) => excuseOf(state, view, atMs) === undefined)
      .map(({ slot }) => slot.number),
  );
}

/** What has done its work serves as well as it ever will, and what a deployment consisted of when it was global, or not, serves until the others do, unless it is a job. */
function servingSlots(state: DeploymentState, owed: ReadonlySet<number>, mode: PinnedTemplate["mode"]): number {
  const isOfOtherMode = ({ contentOf: content }: PlacementRecord): boolean => {
    const template = templateOf(state, content);
    return template.mode !== mode && template.run !== "job";
  };
  const serving = Object.values(state.placements).filter(
    (placement) =>
      placement.desired === "running" &&
      placement.healthySinceMs !== undefined &&
      placement.disconnectedSinceMs === undefined &&
      (owed.has(placement.slot) || (isOfOtherMode(placement) && !wantedSlots(state).includes(placement.slot))),
  );
  const done = Object.values(state.slots).filter(({ ended, revision, number }) => {
    const content = state.revisions.find((one) => one.number === revision)?.contentOf;
    return ended?.outcome === "succeeded" && ended.contentOf === content && owed.has(number);
  });
  return new Set([...serving.map(({ slot }) => slot), ...done.map(({ number }) => number)]).size;
}

function succeedsTruly({ before, event, atMs }: DeploymentStep, report: Report): void {
  if (event.type !== "rollout.ended" || event.outcome !== "succeeded") return;
  const wrong = (why: string): void => report("a rollout that succeeded did", `${before.name}, rollout ${event.id}: ${why}`);
  if (before.mode !== "running") {
    const left = Object.keys(before.placements);
    if (left.length > 0) wrong(`${left.join(", ")} were still there`);
    return;
  }
  for (const slot of owedSlots(before, atMs)) {
    const content = before.revisions.find(({ number }) => number === before.slots[slot]?.revision)?.contentOf;
    const isDone = (placement: PlacementRecord): boolean =>
      placement.slot === slot && placement.desired === "running" && placement.contentOf === content && isProven(before, placement, atMs);
    const ended = before.slots[slot]?.ended;
    const isOver = (ended?.contentOf === content && ended?.outcome === "succeeded") || isFound(before, slot);
    if (!isOver && !Object.values(before.placements).some(isDone)) wrong(`slot ${slot} was not healthy for long enough`);
    if (before.rollout?.change !== "scale" && before.slots[slot]?.revision !== before.rollout?.revision)
      wrong(`slot ${slot} was not at revision ${before.rollout?.revision}`);
  }
}

/** Of a change that says that it replaces nobody no more is said of the replicas it found. */
function isFound({ rollout, placements }: DeploymentState, slot: number): boolean {
  return (
    rollout?.spares === true &&
    Object.values(placements).every(
      (placement) => placement.slot !== slot || placement.desired !== "running" || placement.requestedAtMs < rollout.startedAtMs,
    )
  );
}

function isProven(state: DeploymentState, { healthySinceMs, disconnectedSinceMs, contentOf }: PlacementRecord, atMs: number): boolean {
  const template = state.revisions.find((revision) => revision.contentOf === contentOf)?.template;
  return (
    disconnectedSinceMs === undefined && healthySinceMs !== undefined && healthySinceMs + (template?.rollout.minHealthyMs ?? 0) <= atMs
  );
}

/**
 * Nobody but us publishes ports on these nodes, and what was booked is free; except on a node that was removed and came back: what it still runs, nobody
 * knows of any more, and its agent stops that while the first new replica may be there already.
 */
function findsItsPortFree({ event, before }: DeploymentStep, removed: ReadonlySet<string>, report: Report): void {
  if (event.type !== "placements.observed") return;
  for (const { placementId, failure } of event.statuses) {
    const stage = before.placements[placementId]?.stage;
    const isForgotten = stage?.stage === "assigned" && removed.has(stage.node);
    if (failure?.code === "port.taken" && !isForgotten) report("a host port is used once", `${placementId}: ${failure.message}`);
  }
}

/** A slot that has a node has its replicas there. */
function staysOnItsNode({ event, before }: DeploymentStep, report: Report): void {
  if (event.type !== "placements.assigned") return;
  for (const { placementId, node } of event.placements) {
    const own = before.slots[before.placements[placementId]?.slot ?? 0]?.node;
    if (own !== undefined && own !== node) report("one replica per node", `${placementId} belongs to ${own} and was placed on ${node}`);
  }
}

/** No replica that may stay is replaced while one of the same change counts for less than the pause that was asked for. */
function pausesBetweenBatches({ event, before, atMs }: DeploymentStep, report: Report): void {
  if (event.type !== "slots.retargeted") return;
  const content = contentOf(before, event.revision);
  const { delayMs } = templateInForce(before).rollout;
  const active = Object.values(before.placements).filter(({ desired }) => desired === "running");
  const isNew = ({ contentOf: runs }: PlacementRecord): boolean => runs === content;
  const last = active.find(
    (placement) => isNew(placement) && isProven(before, placement, atMs) && !isProven(before, placement, atMs - delayMs),
  );
  if (last === undefined) return;
  const replaced = event.slots.filter((slot) => {
    const own = active.filter((placement) => placement.slot === slot && before.slots[slot]?.revision !== event.revision);
    return own.some(({ evacuation }) => evacuation === undefined) && !own.some(isNew);
  });
  if (replaced.length > 0)
    report(
      "a rollout pauses as it was told",
      `${before.name}: slots ${replaced.join(", ")} are moved and ${last.placementId} counts only now`,
    );
}
