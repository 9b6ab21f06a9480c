import type { Reached, Standing } from "../deployment/standing.ts";
import type { Member } from "./commands.ts";
import type { Condition } from "./contract.ts";
import { recordOf, type MemberRecord, type MemberRecords } from "./records.ts";
import type { StackRollout, StackState } from "./state.ts";
import { targetOf, targetOfRollout, type Target } from "./target.ts";

/** How far the order to one member has come. */
export type Progress =
  | { readonly kind: "waiting"; readonly for: string | undefined }
  /** Sent, and not heard of yet. */
  | { readonly kind: "ordered" }
  /** With a deadline: nothing had to be changed, so no rollout judges it, and it may take as long to be well as a replica may. */
  | { readonly kind: "carrying"; readonly deadlineAtMs: number | undefined }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly reason: string };

/** What a rollout of the stack asks of one deployment: to be a member's content, or to go. */
export interface Step {
  readonly deployment: string;
  /** Key of what it is to be, or was. */
  readonly content: string;
  /** Absent: it is to go. */
  readonly member: Member | undefined;
  readonly progress: Progress;
}

/** A state never changes, and one decision asks for its steps several times. */
const known = new WeakMap<StackState, readonly Step[]>();

/** Every step of the stack's rollout, those that create and change in the order of the manifest, then those that remove. */
export function stepsOf(state: StackState): readonly Step[] {
  const { rollout } = state;
  const before = known.get(state);
  if (before !== undefined || rollout === undefined) return before ?? [];
  const target = targetOfRollout(state, rollout);
  const progresses = contentProgresses(state, target, rollout);
  const content = target.members.map((member): Step => {
    const { deployment, service } = member;
    return { deployment, content: target.keys.get(deployment) ?? "", member, progress: progresses.get(service) ?? NOT_BEGUN };
  });
  const late = content.find(({ progress }) => progress.kind !== "done")?.deployment;
  const steps = [...content, ...leavingSteps(state, target, rollout, late)];
  known.set(state, steps);
  return steps;
}

interface Picture {
  readonly state: StackState;
  readonly target: Target;
  readonly records: ReadonlyMap<string, MemberRecord>;
  /** By service, of all that a member waits for. */
  readonly progresses: ReadonlyMap<string, Progress>;
}

function contentProgresses(state: StackState, target: Target, { firstOrder }: StackRollout): ReadonlyMap<string, Progress> {
  const records = new Map(state.members.map((record) => [record.deployment, record]));
  const progresses = new Map<string, Progress>();
  const picture: Picture = { state, target, records, progresses };
  for (const member of target.inOrder) {
    const record = records.get(member.deployment);
    const ordered = record !== undefined && record.order >= firstOrder ? orderProgress(record, member) : undefined;
    // Another one may have been made anew after its turn, as when somebody deleted that meanwhile: then its turn comes once more.
    const isPast = ordered === undefined || (ordered.kind === "done" && isToRestart(state, member));
    progresses.set(member.service, isPast ? turnProgress(picture, record, member) : ordered);
  }
  return progresses;
}

/** Of a member without an order of this rollout: what it waits for, if for anything. */
function turnProgress(picture: Picture, record: MemberRecord | undefined, member: Member): Progress {
  const unmet = firstUnmet(picture, member);
  if (unmet !== undefined) return { kind: "waiting", for: unmet };
  if (record !== undefined && isLeftAlone(picture, record, member)) return DONE;
  const leaving = stillLeaving(record, member);
  return leaving === undefined ? NOT_BEGUN : { kind: "waiting", for: leaving };
}

/** It is what it is to be and well: its turn passes without an order. */
function isLeftAlone({ state, target }: Picture, record: MemberRecord, member: Member): boolean {
  const { standing, refused, wants, content, order } = record;
  const isSame = wants === "content" && content === target.keys.get(member.deployment);
  if (!isSame || refused !== undefined || standing?.order !== order || standing.mode !== "running") return false;
  return standing.outcome === "succeeded" && standing.asOrdered && isWell(standing) && !isToRestart(state, member);
}

/** In words, what a member still waits for. */
function firstUnmet({ target, records, progresses }: Picture, { after }: Member): string | undefined {
  for (const { service, condition } of after) {
    const other = target.byService.get(service);
    if (other === undefined) continue;
    const kind = progresses.get(service)?.kind;
    const standing = records.get(other.deployment)?.standing;
    const isCarried = kind === "carrying" || kind === "done";
    if (!isCarried || standing === undefined || !FULFILLED_BY[condition].has(standing.reached))
      return `${other.deployment} to be ${condition}`;
  }
  return undefined;
}

const NOT_BEGUN: Progress = { kind: "waiting", for: undefined };
const DONE: Progress = { kind: "done" };

function orderProgress({ refused, standing, order, carriedAtMs }: MemberRecord, { deployment, template }: Member): Progress {
  if (refused !== undefined) return { kind: "failed", reason: refused };
  if (standing?.order !== order) return { kind: "ordered" };
  if (standing.mode !== "running")
    return { kind: "failed", reason: `${deployment} was ${standing.mode === "stopped" ? "stopped" : "deleted"} meanwhile` };
  switch (standing.outcome) {
    case "failed":
    case "rolled-back":
      return {
        kind: "failed",
        reason: `${deployment} ${standing.outcome === "failed" ? "failed" : "was rolled back"}: ${standing.reason ?? "no reason known"}`,
      };
    case "in-progress":
      return { kind: "carrying", deadlineAtMs: undefined };
    case "succeeded":
      if (standing.reached === "failed") return { kind: "failed", reason: `${deployment} has ended and is not tried again` };
      if (standing.rollout !== undefined || isWell(standing)) return DONE;
      return { kind: "carrying", deadlineAtMs: (carriedAtMs ?? 0) + template.rollout.healthyDeadlineMs };
  }
}

function isWell({ reached }: Standing): boolean {
  return reached === "healthy" || reached === "completed";
}

/** What is being deleted, or was told to go and has not said that it will not, is made anew once it is gone. */
function stillLeaving(record: MemberRecord | undefined, { deployment }: Member): string | undefined {
  const isTold = record?.wants === "gone" && record.refused === undefined && record.standing?.mode !== "absent";
  return isTold || record?.standing?.mode === "deleting" ? `${deployment} to be gone, which is being deleted` : undefined;
}

/** What has ended as it was meant to was started and well before, also where nobody saw it, and is not run again to show it. */
const FULFILLED_BY: Readonly<Record<Condition, ReadonlySet<Reached>>> = {
  started: new Set(["started", "healthy", "completed"]),
  healthy: new Set(["healthy", "completed"]),
  completed: new Set(["completed"]),
};

/**
 * Whoever a restart names is to be made anew for an order of it. What has failed for good is tried again by the next change; so is what is to be restarted with another, when that was made anew after it was. Orders are
 * counted, not rollouts: what a superseded rollout could not do any more is done by the next one.
 */
export function isToRestart(state: StackState, { deployment, after }: Member): boolean {
  const standing = recordOf(state.members, deployment)?.standing;
  const own = standing?.replaced ?? 0;
  const { rollout } = state;
  if (rollout?.change === "restart") return own < rollout.firstOrder;
  if (standing?.reached === "failed") return true;
  return after.some(({ service, restart }) => {
    if (restart !== true) return false;
    const other = targetOf(state).byService.get(service)?.deployment ?? "";
    return (recordOf(state.members, other)?.standing?.replaced ?? 0) > own;
  });
}

function leavingSteps(state: StackState, target: Target, rollout: StackRollout, late: string | undefined): readonly Step[] {
  const leaving = state.members.filter((record) => !target.keys.has(record.deployment) && isOurs(record));
  const dependents = dependentsAmong(state, leaving);
  return leaving.map((record) => {
    const { deployment, content } = record;
    const dependent = dependents.get(state.contents[content]?.service ?? "");
    return { deployment, content, member: undefined, progress: leavingProgress(record, rollout, late, dependent) };
  });
}

/** A deployment that refused ever to become a member is none of the stack's. */
function isOurs({ standing, refused }: MemberRecord): boolean {
  return standing !== undefined || refused === undefined;
}

/** By service: the first of those that are still there that depends on it. */
function dependentsAmong({ contents }: StackState, leaving: MemberRecords): ReadonlyMap<string, string> {
  const dependents = new Map<string, string>();
  for (const { deployment, content, standing } of leaving) {
    if (standing?.mode === "absent") continue;
    for (const { service } of contents[content]?.after ?? []) if (!dependents.has(service)) dependents.set(service, deployment);
  }
  return dependents;
}

/** What others depend on goes after them, and nothing goes before what stays is as it is to be. */
function leavingProgress(
  { deployment, standing, order, refused }: MemberRecord,
  rollout: StackRollout,
  late: string | undefined,
  dependent: string | undefined,
): Progress {
  const isOrdered = order >= rollout.firstOrder;
  if (standing?.mode === "absent" && (isOrdered ? standing.order === order : true)) return DONE;
  if (isOrdered) {
    if (refused !== undefined) return { kind: "failed", reason: refused };
    if (standing?.order !== order) return { kind: "ordered" };
    return standing.outcome === "failed"
      ? { kind: "failed", reason: `${deployment}: ${standing.reason ?? "its replicas did not stop"}` }
      : { kind: "carrying", deadlineAtMs: undefined };
  }
  if (late !== undefined) return { kind: "waiting", for: `${late} to be done` };
  return { kind: "waiting", for: dependent === undefined ? undefined : `${dependent} to be gone` };
}
