import { changesOf } from "./changes.ts";
import type { Member, MemberChange } from "./commands.ts";
import { describe, membersOf } from "./contents.ts";
import type { StackChangeKind } from "./contract.ts";
import { inOrder } from "./order.ts";
import { evolve, type StackEvent, type StackRevision, type StackRollout, type StackState } from "./state.ts";
import { isToRestart, stepsOf, type Step } from "./steps.ts";
import { revisionOf, targetOf } from "./target.ts";

/** A stack that goes on deciding after so many rounds of one decision would never settle: a bug. */
const MAX_ROUNDS = 10;
/** Beside what its members may take: for messages to arrive, and for members that are still being deleted. */
const MARGIN_MS = 600_000;
const MAX_ROLLOUT_MS = 86_400_000;
/** Orders that no member has answered yet; further ones wait. So the members of one large stack never keep all others of the tenant from their turn. */
export const MAX_UNANSWERED_ORDERS = 50;

/** Events decided so far, and the state they lead to. */
export class StackDraft {
  readonly events: StackEvent[] = [];
  state: StackState;
  readonly nowMs: number;
  constructor(state: StackState, nowMs: number) {
    this.state = state;
    this.nowMs = nowMs;
  }
  add(event: StackEvent): void {
    this.events.push(event);
    this.state = evolve(this.state, event, this.nowMs);
  }
}

/** Takes every step that is due: gives orders whose turn has come, ends the rollout, begins the way back. */
export function advance(draft: StackDraft): void {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { rollout } = draft.state;
    if (rollout?.outcome !== "in-progress") return;
    const before = draft.events.length;
    const steps = stepsOf(draft.state);
    const failure = failureOf(steps, rollout, draft.nowMs);
    if (failure !== undefined) fail(draft, rollout, failure);
    else if (steps.every(({ progress }) => progress.kind === "done")) succeed(draft, rollout);
    else for (const step of dueOf(steps)) order(draft, step);
    if (draft.events.length === before) return;
  }
  throw new Error(`${draft.state.name}: no rest after ${MAX_ROUNDS} rounds`);
}

/** The earliest time after `nowMs` at which `advance` might do something without being told anything. */
export function nextStepMs(state: StackState, nowMs: number): number | undefined {
  const { rollout } = state;
  if (rollout?.outcome !== "in-progress") return undefined;
  const limits = stepsOf(state).flatMap(({ progress }) => (progress.kind === "carrying" ? (progress.deadlineAtMs ?? []) : []));
  const next = Math.min(...[rollout.deadlineAtMs, ...limits].filter((atMs) => atMs > nowMs));
  return Number.isFinite(next) ? next : undefined;
}

function dueOf(steps: readonly Step[]): readonly Step[] {
  const unanswered = steps.filter(({ progress }) => progress.kind === "ordered").length;
  return steps
    .filter(({ progress }) => progress.kind === "waiting" && progress.for === undefined)
    .slice(0, Math.max(0, MAX_UNANSWERED_ORDERS - unanswered));
}

function order(draft: StackDraft, { deployment, content, member }: Step): void {
  const order = { type: "member.ordered" as const, deployment, order: draft.state.nextOrder, content };
  if (member === undefined) draft.add({ ...order, wants: "gone" });
  else if (draft.state.rollout?.change === "restart") draft.add({ ...order, wants: "restart" });
  else draft.add({ ...order, wants: "content", ...(isToRestart(draft.state, member) && { restart: true }) });
}

interface Failure {
  readonly deployment: string;
  readonly reason: string;
}

function failureOf(steps: readonly Step[], { deadlineAtMs }: StackRollout, nowMs: number): Failure | undefined {
  for (const { progress, deployment, member } of steps) {
    if (progress.kind === "failed") return { deployment, reason: progress.reason };
    if (progress.kind !== "carrying" || progress.deadlineAtMs === undefined || progress.deadlineAtMs > nowMs) continue;
    const withinMs = member?.template.rollout.healthyDeadlineMs ?? 0;
    return { deployment, reason: `${deployment} is unchanged, and was not healthy within ${withinMs / 1_000} s` };
  }
  if (deadlineAtMs > nowMs) return undefined;
  const late =
    steps.find(({ progress }) => progress.kind !== "done" && progress.kind !== "waiting") ??
    steps.find(({ progress }) => progress.kind !== "done");
  return late === undefined ? undefined : { deployment: late.deployment, reason: `it did not finish in time: ${waitWords(late)}` };
}

/** What a step that is not done waits for. */
export function waitWords({ deployment, member, progress }: Step): string {
  switch (progress.kind) {
    case "waiting":
      return `${deployment} waits for ${progress.for ?? "its turn"}`;
    case "ordered":
      return `${deployment} has not answered yet`;
    case "carrying":
      return `${deployment} is ${member === undefined ? "being removed" : "rolling out"}`;
    case "failed":
      return progress.reason;
    case "done":
      return `${deployment} is done`;
  }
}

function succeed(draft: StackDraft, { id }: StackRollout): void {
  draft.add({ type: "stack.rollout-ended", id, outcome: "succeeded", reason: undefined });
  if (draft.state.mode === "deleting") draft.add({ type: "stack.deleted" });
}

/** Back to the last revision that succeeded, if the policy says so and it is another one. */
function fail(draft: StackDraft, rollout: StackRollout, { reason, deployment }: Failure): void {
  const failing = revisionOf(draft.state, draft.state.revision);
  const proven = revisionOf(draft.state, draft.state.succeeded);
  const isWayBack =
    draft.state.mode === "present" &&
    (rollout.change === "update" || rollout.change === "rollback") &&
    failing?.onFailure === "rollback" &&
    proven !== undefined &&
    proven.contentOf !== failing.contentOf;
  const outcome = isWayBack ? "rolled-back" : "failed";
  draft.add({ type: "stack.rollout-ended", id: rollout.id, outcome, reason, failedMember: deployment });
  if (isWayBack)
    repeat(draft, proven, { change: "automatic-rollback", author: systemAuthor(rollout), cause: reason, causedBy: deployment });
}

function systemAuthor({ author }: StackRollout): StackRollout["author"] {
  return { principal: { ...author.principal, kind: "system", id: "odysseus", role: "system" }, via: "system" };
}

/** A revision that repeats an older one's members, and the rollout towards it. */
export function repeat(
  draft: StackDraft,
  { contentOf, members, onFailure }: StackRevision,
  rollout: Pick<StackRollout, "author" | "cause" | "causedBy"> & { readonly change: StackChangeKind },
): void {
  const changes = changesOf(targetOf(draft.state).members, membersOf(draft.state.contents, members));
  draft.add({ type: "stack.revised", number: nextRevision(draft.state), contentOf, members, onFailure });
  begin(draft, { ...rollout, members: changes });
}

/** A revision of members that somebody has given. */
export function revise(draft: StackDraft, members: readonly Member[], onFailure: StackRevision["onFailure"]): void {
  const { state } = draft;
  const number = nextRevision(state);
  const { keys, portions } = describe(state.contents, revisionOf(state, state.revision)?.members ?? [], members, number);
  for (const contents of portions) draft.add({ type: "members.described", contents });
  draft.add({ type: "stack.revised", number, contentOf: number, members: keys, onFailure });
}

function nextRevision({ revision }: StackState): number {
  return revision + 1;
}

export function begin(
  draft: StackDraft,
  rollout: Pick<StackRollout, "author" | "cause" | "causedBy"> & {
    readonly change: StackChangeKind;
    readonly members: readonly MemberChange[];
  },
): void {
  const { state } = draft;
  draft.add({ type: "stack.rollout-started", revision: state.revision, deadlineAtMs: draft.nowMs + timeFor(state), ...rollout });
}

/** As long as the longest chain of members may take, one waiting for the other: first those that stay, then those that go. */
function timeFor(state: StackState): number {
  const { inOrder: wanted, keys } = targetOf(state);
  const leaving = state.members.flatMap(({ deployment, content }) => (keys.has(deployment) ? [] : (state.contents[content] ?? [])));
  return Math.min(MAX_ROLLOUT_MS, longestChainMs(wanted) + longestChainMs(inOrder(leaving).members) + MARGIN_MS);
}

/** Of members each after all that it waits for. */
function longestChainMs(members: readonly Member[]): number {
  const untilDoneMs = new Map<string, number>();
  let longestMs = 0;
  for (const { service, after, template } of members) {
    const othersMs = after.map((other) => untilDoneMs.get(other.service) ?? 0);
    const totalMs = template.rollout.wholeDeadlineMs + Math.max(0, ...othersMs);
    untilDoneMs.set(service, totalMs);
    longestMs = Math.max(longestMs, totalMs);
  }
  return longestMs;
}
