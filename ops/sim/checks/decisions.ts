import { budgetOf } from "../../../actors/deployment/budget.ts";
import type { DeploymentState, PlacementRecord } from "../../../actors/deployment/state.ts";
import type { SchedulerState } from "../../../actors/scheduler/state.ts";
import { partsOf } from "../../../runtime/address.ts";
import type { Commit } from "../../../runtime/journal.ts";
import type { DeploymentStep, TruthListener } from "../truth.ts";
import type { Report } from "../violation.ts";

/** What must be true of every decision at the moment it is written, whatever else is going wrong. */
export function decisionChecks(report: Report): TruthListener {
  let epoch = 0;
  const removed = new Set<string>();
  return {
    deployment: (step) => {
      keepsEnoughServing(step, report);
      succeedsTruly(step, report);
      findsItsPortFree(step, removed, report);
    },
    scheduler: (state) => booksNothingTwice(state, report),
    committed: (commit: Commit) => {
      if (commit.epoch < epoch) report("epochs only grow", `${commit.stream} was written under ${commit.epoch} after ${epoch}`);
      epoch = Math.max(epoch, commit.epoch);
      if (commit.events.some(({ type }) => type === "node.removed")) removed.add(partsOf(commit.stream).name);
    },
  };
}

/** A stop may take away what serves only as far as the budget goes: what faults have taken already counts. */
function keepsEnoughServing({ before, event, after }: DeploymentStep, report: Report): void {
  const isAway = event.type === "placements.stop-requested" || event.type === "placements.withdrawal-requested";
  if (!isAway || before.mode !== "running") return;
  const template = before.revisions.find(({ number }) => number === before.revision)?.template;
  if (template === undefined) return;
  const allowed = before.replicas - budgetOf(template, before.replicas).maxUnavailable;
  const [serving, left] = [servingSlots(before), servingSlots(after)];
  if (left >= serving || left >= allowed) return;
  report(
    "never below replicas - maxUnavailable",
    `${before.name}: stopping ${event.placementIds.join(", ")} leaves ${left} of ${serving} serving; ${allowed} have to`,
  );
}

/** What has done its work serves as well as it ever will. */
function servingSlots({ placements, replicas, slots, revisions }: DeploymentState): number {
  const serving = Object.values(placements).filter(
    ({ desired, healthySinceMs, slot }) => desired === "running" && healthySinceMs !== undefined && slot <= replicas,
  );
  const done = Object.values(slots).filter(({ ended, revision, number }) => {
    const content = revisions.find((one) => one.number === revision)?.contentOf;
    return ended?.outcome === "succeeded" && ended.contentOf === content && number <= replicas;
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
  for (let slot = 1; slot <= before.replicas; slot += 1) {
    const content = before.revisions.find(({ number }) => number === before.slots[slot]?.revision)?.contentOf;
    const isDone = (placement: PlacementRecord): boolean =>
      placement.slot === slot && placement.desired === "running" && placement.contentOf === content && isProven(before, placement, atMs);
    const ended = before.slots[slot]?.ended;
    const isOver = ended?.contentOf === content && ended?.outcome === "succeeded";
    if (!isOver && !Object.values(before.placements).some(isDone)) wrong(`slot ${slot} was not healthy for long enough`);
    if (before.rollout?.change !== "scale" && before.slots[slot]?.revision !== before.rollout?.revision)
      wrong(`slot ${slot} was not at revision ${before.rollout?.revision}`);
  }
}

function isProven(state: DeploymentState, { healthySinceMs, contentOf }: PlacementRecord, atMs: number): boolean {
  const template = state.revisions.find((revision) => revision.contentOf === contentOf)?.template;
  return healthySinceMs !== undefined && healthySinceMs + (template?.rollout.minHealthyMs ?? 0) <= atMs;
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

function booksNothingTwice({ nodes, reservations }: SchedulerState, report: Report): void {
  const ports = new Map<string, string>();
  const used = new Map<string, { cpuMillis: number; memoryBytes: number }>();
  for (const { placementId, node, hostPorts, cpuMillis, memoryBytes } of Object.values(reservations)) {
    for (const { port, protocol } of hostPorts) {
      const key = `${node} ${port}/${protocol}`;
      const holder = ports.get(key);
      if (holder !== undefined) report("a host port is used once", `${key} is given to ${holder} and ${placementId}`);
      ports.set(key, placementId);
    }
    const sum = used.get(node) ?? { cpuMillis: 0, memoryBytes: 0 };
    used.set(node, { cpuMillis: sum.cpuMillis + cpuMillis, memoryBytes: sum.memoryBytes + memoryBytes });
  }
  for (const [name, { cpuMillis, memoryBytes }] of used) {
    const node = nodes[name];
    if (node !== undefined && (cpuMillis > node.cpuMillis || memoryBytes > node.memoryBytes))
      report("no node is overbooked", `${name}: ${cpuMillis}m, ${memoryBytes} bytes`);
  }
}
