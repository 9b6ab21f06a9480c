import type { ChangeKind, PinnedTemplate } from "./contract.ts";
import type { DeploymentState, PlacementRecord, Revision, Slot } from "./state.ts";

/** Questions about a deployment's replicas, answered from its state alone. */

export function revisionOf(state: DeploymentState, number: number): Revision | undefined {
  return state.revisions.find((revision) => revision.number === number);
}

/** Throws when the revision is gone: the ones in use are never forgotten, so that is a bug. */
export function contentOf(state: DeploymentState, number: number): number {
  const revision = revisionOf(state, number);
  if (revision === undefined) throw new Error(`${state.name}: revision ${number} is in use and not known`);
  return revision.contentOf;
}

/** The content of a revision outlives the revision itself: the newest revision that repeats it holds it too. */
export function holderOf(state: DeploymentState, content: number): Revision | undefined {
  return revisionOf(state, content) ?? state.revisions.find((candidate) => candidate.contentOf === content);
}

/** What a placement runs. */
export function templateOf(state: DeploymentState, content: number): PinnedTemplate {
  const revision = holderOf(state, content);
  if (revision === undefined) throw new Error(`${state.name}: content ${content} is in use and not known`);
  return revision.template;
}

/** Contents of which this is the same have the same replicas. Of one that is forgotten no more is known than its number. */
export function replicasOf(state: DeploymentState, content: number): number {
  return holderOf(state, content)?.replicasOf ?? content;
}

/** Whether the replicas of one content are those of the other, as they are. */
export function isSameReplica(state: DeploymentState, content: number, other: number): boolean {
  return content === other || replicasOf(state, content) === replicasOf(state, other);
}

/** Changes that go back to what was there before. */
export function isWayBack(change: ChangeKind): boolean {
  return change === "rollback" || change === "automatic-rollback";
}

/** What the deployment is to become, with the rules for how it gets there now. */
export function templateInForce(state: DeploymentState): PinnedTemplate {
  const template = templateOf(state, contentOf(state, state.revision));
  return state.rollout !== undefined && isWayBack(state.rollout.change) ? onTheWayBack(template) : template;
}

/** The template with the rules for going back to it. */
export function onTheWayBack(template: PinnedTemplate): PinnedTemplate {
  const { delayMs, ...shares } = template.rollout.rollback ?? {};
  return { ...template, rollout: { ...template.rollout, ...shares, ...(delayMs !== undefined && { delayMs }) } };
}

export function isActive(placement: PlacementRecord): boolean {
  return placement.desired === "running";
}

export function isHealthy(placement: PlacementRecord): boolean {
  return isActive(placement) && placement.healthySinceMs !== undefined && !isDisconnected(placement);
}

/** Whether it still runs is not known, since its node is lost. */
export function isDisconnected({ disconnectedSinceMs }: PlacementRecord): boolean {
  return disconnectedSinceMs !== undefined;
}

/** Whether replicas on lost nodes are waited for, and none is started in their stead. */
export function isWaiting(state: DeploymentState): boolean {
  return templateOf(state, contentOf(state, state.revision)).partition === "wait";
}

/** Healthy for long enough to be relied on. */
export function availableAtMs(state: DeploymentState, placement: PlacementRecord): number | undefined {
  if (!isHealthy(placement) || placement.healthySinceMs === undefined) return undefined;
  const { run, rollout } = templateOf(state, placement.contentOf);
  // A job is not there to be relied on: it has done what it is for when it has ended.
  return run === "job" ? undefined : placement.healthySinceMs + rollout.minHealthyMs;
}

export function isAvailable(state: DeploymentState, placement: PlacementRecord, nowMs: number): boolean {
  const atMs = availableAtMs(state, placement);
  return atMs !== undefined && atMs <= nowMs;
}

/** How long after its time to drain a replica is stopped when the ingress has not answered: it has the same time to notice. */
const UNANSWERED_WITHDRAWAL_MS = 30_000;

/** When it is stopped, whether it was let go or not. Undefined: it is not leaving. */
export function leavesUntilMs(
  state: DeploymentState,
  { desired, leavingSinceMs, contentOf: content }: PlacementRecord,
): number | undefined {
  if (desired !== "leaving" || leavingSinceMs === undefined) return undefined;
  return leavingSinceMs + templateOf(state, content).drainMs + UNANSWERED_WITHDRAWAL_MS;
}

/** Whether slots are being moved to the deployment's revision. A scaling leaves each where it is, also after an update that failed half way. */
export function isMoving({ rollout }: DeploymentState): boolean {
  return rollout?.outcome === "in-progress" && rollout.change !== "scale";
}

/** The replica ended as it is allowed to, or for good, at the content the slot is to have: it does not run again. */
export function hasEnded(slot: Slot, content: number): boolean {
  return slot.ended !== undefined && slot.ended.contentOf === content;
}

/** The replica that was wanted in the slot has run, and is not run again. */
export function isOver(state: DeploymentState, slot: Slot): boolean {
  return slot.revision !== 0 && hasEnded(slot, contentOf(state, slot.revision));
}
