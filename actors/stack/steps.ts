import type { Reached, Standing } from "../deployment/standing.ts";
import type { Member } from "./commands.ts";
import type { Condition } from "./contract.ts";
import { placesOf, recordsAt, type Place, type Places } from "./places.ts";
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
  const places = placesOf(target);
  const progresses = contentProgresses(state, places, rollout);
  const content = places.asWritten.flatMap((place): Step | readonly Step[] => {
    const { member, content } = places.all[place] ?? {};
    if (member === undefined || content === undefined) return [];
    return { deployment: member.deployment, content, member, progress: progresses[place] ?? NOT_BEGUN };
  });
  const late = content.find(({ progress }) => progress.kind !== "done")?.deployment;
  const steps = [...content, ...leavingSteps(state, target, rollout, late)];
  known.set(state, steps);
  return steps;
}

interface Picture {
  readonly rollout: StackRollout;
  readonly places: Places;
  readonly records: readonly (MemberRecord | undefined)[];
  /** Of the places before the one that is looked at: of all that its member waits for. */
  readonly progresses: readonly Progress[];
}

/** By place. */
function contentProgresses({ members }: StackState, places: Places, rollout: StackRollout): readonly Progress[] {
  const records = recordsAt(places, members);
  const progresses: Progress[] = [];
  const picture: Picture = { rollout, places, records, progresses };
  for (const [index, place] of places.all.entries()) {
    const record = records[index];
    const ordered = record !== undefined && record.order >= rollout.firstOrder ? orderProgress(record, place.member) : undefined;
    // Another one may have been made anew after its turn, as when somebody deleted that meanwhile: then its turn comes once more.
    const isPast = ordered === undefined || (ordered.kind === "done" && isToRestartAt(picture, record, place));
    progresses.push(isPast ? turnProgress(picture, record, place) : ordered);
  }
  return progresses;
}

/** Of a member without an order of this rollout: what it waits for, if for anything. */
function turnProgress(picture: Picture, record: MemberRecord | undefined, place: Place): Progress {
  const unmet = firstUnmet(picture, place);
  if (unmet !== undefined) return { kind: "waiting", for: unmet };
  if (record !== undefined && isLeftAlone(picture, record, place)) return DONE;
  const leaving = stillLeaving(record, place.member);
  return leaving === undefined ? NOT_BEGUN : { kind: "waiting", for: leaving };
}

/** It is what it is to be and well: its turn passes without an order. */
function isLeftAlone(picture: Picture, record: MemberRecord, place: Place): boolean {
  const { standing, refused, wants, content, order } = record;
  const isSame = wants === "content" && content === place.content;
  if (!isSame || refused !== undefined || standing?.order !== order || standing.mode !== "running") return false;
  return standing.outcome === "succeeded" && standing.asOrdered && isWell(standing) && !isToRestartAt(picture, record, place);
}

/** In words, what a member still waits for. */
function firstUnmet({ records, progresses }: Picture, { after }: Place): string | undefined {
  for (const { deployment, condition, place } of after) {
    const kind = progresses[place]?.kind;
    const standing = records[place]?.standing;
    const isCarried = kind === "carrying" || kind === "done";
    if (!isCarried || standing === undefined || !FULFILLED_BY[condition].has(standing.reached)) return `${deployment} to be ${condition}`;
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

/** Whether an order to this member has to be one to be made anew. */
export function isToRestart(state: StackState, { deployment, after }: Member): boolean {
  const { byService } = targetOf(state);
  const standingOf = (of: string): Standing | undefined => recordOf(state.members, of)?.standing;
  return isMadeAnew(state.rollout, after, standingOf(deployment), (service) => standingOf(byService.get(service)?.deployment ?? ""));
}

function isToRestartAt({ rollout, places, records }: Picture, record: MemberRecord | undefined, { member }: Place): boolean {
  return isMadeAnew(rollout, member.after, record?.standing, (service) => records[places.byService.get(service) ?? -1]?.standing);
}

/**
 * Whoever a restart names is to be made anew for an order of it. What has failed for good is tried again by the next change; so is what is to be restarted
 * with another, when that was made anew after it was. Orders are counted, not rollouts: what a superseded rollout could not do any more is done by the next one.
 */
function isMadeAnew(
  rollout: StackRollout | undefined,
  after: Member["after"],
  standing: Standing | undefined,
  standingOf: (service: string) => Standing | undefined,
): boolean {
  const own = standing?.replaced ?? 0;
  if (rollout?.change === "restart") return own < rollout.firstOrder;
  if (standing?.reached === "failed") return true;
  return after.some(({ service, restart }) => restart === true && (standingOf(service)?.replaced ?? 0) > own);
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
