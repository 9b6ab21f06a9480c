import type { Reached, Standing } from "../deployment/standing.ts";
import type { Member } from "./commands.ts";
import type { Condition } from "./contract.ts";
import type { MemberRecord, StackRevision, StackRollout, StackState } from "./state.ts";

/** How far the order to one member has come. */
export type Progress =
  | { readonly kind: "waiting"; readonly for: string | undefined }
  /** Sent, and not heard of yet. */
  | { readonly kind: "ordered" }
  | { readonly kind: "carrying"; readonly deadlineAtMs: number | undefined }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly reason: string };

/** What a rollout of the stack asks of one deployment: to be a member's content, or to go. */
export interface Step {
  readonly deployment: string;
  /** Absent: it is to go. */
  readonly member: Member | undefined;
  readonly progress: Progress;
}

export function revisionOf(state: StackState, number: number): StackRevision | undefined {
  return state.revisions.find((revision) => revision.number === number);
}

/** The members the stack is to have. */
export function targetOf(state: StackState): readonly Member[] {
  return state.mode === "present" ? (revisionOf(state, state.revision)?.members ?? []) : [];
}

/** Every step of the rollout, those that create and change in the order of the manifest, then those that remove. */
export function stepsOf(state: StackState, rollout: StackRollout, nowMs: number): readonly Step[] {
  const target = targetOf(state);
  const isWanted = new Set(target.map(({ deployment }) => deployment));
  const begun = new Map(
    target.map((member) => [member.service, contentProgress(state.members[member.deployment], member, rollout, nowMs)]),
  );
  const content = target.map((member): Step => {
    const progress = begun.get(member.service) ?? NOT_BEGUN;
    const waitsFor = progress.kind === "waiting" ? (firstUnmet(state, member, target, begun) ?? stillLeaving(state, member)) : undefined;
    return { deployment: member.deployment, member, progress: progress.kind === "waiting" ? { kind: "waiting", for: waitsFor } : progress };
  });
  const leaving = Object.values(state.members).filter((record) => !isWanted.has(record.deployment) && isOurs(record));
  const late = content.find(({ progress }) => progress.kind !== "done")?.deployment;
  return [...content, ...leaving.map((record) => leavingStep(state, record, leaving, rollout, late))];
}

/** A deployment that refused ever to become a member is none of the stack's. */
function isOurs({ standing, refused }: MemberRecord): boolean {
  return standing !== undefined || refused === undefined;
}

function contentProgress(record: MemberRecord | undefined, member: Member, rollout: StackRollout, nowMs: number): Progress {
  if (record === undefined || record.order < rollout.firstOrder) return NOT_BEGUN;
  const { refused, standing, order } = record;
  if (refused !== undefined) return { kind: "failed", reason: refused };
  if (standing?.order !== order) return { kind: "ordered" };
  if (standing.mode !== "running")
    return { kind: "failed", reason: `${member.deployment} was ${standing.mode === "stopped" ? "stopped" : "deleted"} meanwhile` };
  switch (standing.outcome) {
    case "failed":
    case "rolled-back":
      return {
        kind: "failed",
        reason: `${member.deployment} ${standing.outcome === "failed" ? "failed" : "was rolled back"}: ${standing.reason ?? "no reason known"}`,
      };
    case "in-progress":
      return { kind: "carrying", deadlineAtMs: undefined };
    case "succeeded":
      if (standing.reached === "failed") return { kind: "failed", reason: `${member.deployment} has ended and is not tried again` };
      return standing.rollout !== undefined || isWell(standing) ? { kind: "done" } : unwell(record, member, nowMs);
  }
}

function isWell({ reached }: Standing): boolean {
  return reached === "healthy" || reached === "completed";
}

/** Nothing had to be changed, so no rollout judges it: it may take as long to be well as a replica may. */
function unwell({ carriedAtMs }: MemberRecord, { deployment, template }: Member, nowMs: number): Progress {
  const deadlineAtMs = (carriedAtMs ?? nowMs) + template.rollout.healthyDeadlineMs;
  return deadlineAtMs <= nowMs
    ? { kind: "failed", reason: `${deployment} is unchanged, and was not healthy within ${template.rollout.healthyDeadlineMs / 1_000} s` }
    : { kind: "carrying", deadlineAtMs };
}

const NOT_BEGUN: Progress = { kind: "waiting", for: undefined };

/** What is being deleted, or was told to go and has not said that it will not, is made anew once it is gone. */
function stillLeaving({ members }: StackState, { deployment }: Member): string | undefined {
  const record = members[deployment];
  const isTold = record?.wants === "gone" && record.refused === undefined && record.standing?.mode !== "absent";
  return isTold || record?.standing?.mode === "deleting" ? `${deployment} to be gone, which is being deleted` : undefined;
}

/** In words, what a member still waits for. */
function firstUnmet(
  state: StackState,
  member: Member,
  target: readonly Member[],
  begun: ReadonlyMap<string, Progress>,
): string | undefined {
  for (const { service, condition } of member.after) {
    const other = target.find((candidate) => candidate.service === service);
    const progress = begun.get(service)?.kind;
    if (other === undefined) continue;
    const standing = state.members[other.deployment]?.standing;
    const isCarried = progress === "carrying" || progress === "done";
    if (!isCarried || standing === undefined || !FULFILLED_BY[condition].has(standing.reached))
      return `${other.deployment} to be ${condition}`;
  }
  return undefined;
}

/** What has ended as it was meant to was started and well before, also where nobody saw it, and is not run again to show it. */
const FULFILLED_BY: Readonly<Record<Condition, ReadonlySet<Reached>>> = {
  started: new Set(["started", "healthy", "completed"]),
  healthy: new Set(["healthy", "completed"]),
  completed: new Set(["completed"]),
};

/**
 * What has failed for good is tried again by the next change; so is what is to be restarted with another, when that was made anew after it was. Orders are
 * counted, not rollouts: what a superseded rollout could not do any more is done by the next one.
 */
export function isToRestart(state: StackState, { deployment, after }: Member): boolean {
  const standing = state.members[deployment]?.standing;
  if (standing?.reached === "failed") return true;
  const own = standing?.replaced ?? 0;
  const others = new Map(targetOf(state).map((member) => [member.service, member.deployment]));
  return after.some(({ service, restart }) => {
    const other = state.members[others.get(service) ?? ""]?.standing;
    return restart === true && (other?.replaced ?? 0) > own;
  });
}

/** What others depend on goes after them, and nothing goes before what stays is as it is to be. */
function leavingStep(
  state: StackState,
  record: MemberRecord,
  leaving: readonly MemberRecord[],
  rollout: StackRollout,
  late: string | undefined,
): Step {
  const { deployment, standing, order, refused } = record;
  const isOrdered = order >= rollout.firstOrder;
  const step = (progress: Progress): Step => ({ deployment, member: undefined, progress });
  if (standing?.mode === "absent" && (isOrdered ? standing.order === order : true)) return step({ kind: "done" });
  if (isOrdered) {
    if (refused !== undefined) return step({ kind: "failed", reason: refused });
    if (standing?.order !== order) return step({ kind: "ordered" });
    if (standing.outcome === "failed")
      return step({ kind: "failed", reason: `${deployment}: ${standing.reason ?? "its replicas did not stop"}` });
    return step({ kind: "carrying", deadlineAtMs: undefined });
  }
  if (late !== undefined) return step({ kind: "waiting", for: `${late} to be done` });
  const service = memberNamed(state, deployment)?.service;
  const dependent = leaving.find(
    (other) =>
      other.standing?.mode !== "absent" && memberNamed(state, other.deployment)?.after.some((entry) => entry.service === service) === true,
  );
  return step({ kind: "waiting", for: dependent === undefined ? undefined : `${dependent.deployment} to be gone` });
}

/** As the newest revision has it that has it at all. */
export function memberNamed(state: StackState, deployment: string): Member | undefined {
  for (const revision of state.revisions.toReversed()) {
    const member = revision.members.find((candidate) => candidate.deployment === deployment);
    if (member !== undefined) return member;
  }
  return undefined;
}
