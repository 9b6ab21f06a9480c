import { changesOf } from "./changes.ts";
import type { Member, MemberChange } from "./commands.ts";
import type { StackChangeKind } from "./contract.ts";
import { evolve, type StackEvent, type StackRevision, type StackRollout, type StackState } from "./state.ts";
import { isToRestart, memberNamed, revisionOf, stepsOf, targetOf, type Step } from "./steps.ts";

/** A stack that goes on deciding after so many rounds of one decision would never settle: a bug. */
const MAX_ROUNDS = 10;
/** Beside what its members may take: for messages to arrive, and for members that are still being deleted. */
const MARGIN_MS = 600_000;
const MAX_ROLLOUT_MS = 86_400_000;

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
    const steps = stepsOf(draft.state, rollout, draft.nowMs);
    const failure = failureOf(steps, rollout, draft.nowMs);
    if (failure !== undefined) fail(draft, rollout, failure);
    else if (steps.every(({ progress }) => progress.kind === "done")) succeed(draft, rollout);
    else for (const step of steps) if (isDue(step)) order(draft, step);
    if (draft.events.length === before) return;
  }
  throw new Error(`${draft.state.name}: no rest after ${MAX_ROUNDS} rounds`);
}

/** The earliest time after `nowMs` at which `advance` might do something without being told anything. */
export function nextStepMs(state: StackState, nowMs: number): number | undefined {
  const { rollout } = state;
  if (rollout?.outcome !== "in-progress") return undefined;
  const limits = stepsOf(state, rollout, nowMs).flatMap(({ progress }) =>
    progress.kind === "carrying" ? (progress.deadlineAtMs ?? []) : [],
  );
  const next = Math.min(...[rollout.deadlineAtMs, ...limits].filter((atMs) => atMs > nowMs));
  return Number.isFinite(next) ? next : undefined;
}

function isDue({ progress }: Step): boolean {
  return progress.kind === "waiting" && progress.for === undefined;
}

function order(draft: StackDraft, { deployment, member }: Step): void {
  const order = { type: "member.ordered" as const, deployment, order: draft.state.nextOrder };
  if (member === undefined) draft.add({ ...order, wants: "gone" });
  else draft.add({ ...order, wants: "content", ...(isToRestart(draft.state, member) && { restart: true }) });
}

function failureOf(steps: readonly Step[], { deadlineAtMs }: StackRollout, nowMs: number): string | undefined {
  for (const { progress } of steps) if (progress.kind === "failed") return progress.reason;
  if (deadlineAtMs > nowMs) return undefined;
  const late =
    steps.find(({ progress }) => progress.kind !== "done" && progress.kind !== "waiting") ??
    steps.find(({ progress }) => progress.kind !== "done");
  return `it did not finish in time: ${late === undefined ? "" : waitWords(late)}`;
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
function fail(draft: StackDraft, rollout: StackRollout, reason: string): void {
  const failing = revisionOf(draft.state, draft.state.revision);
  const proven = revisionOf(draft.state, draft.state.succeeded);
  const isWayBack =
    draft.state.mode === "present" &&
    (rollout.change === "update" || rollout.change === "rollback") &&
    failing?.onFailure === "rollback" &&
    proven !== undefined &&
    proven.contentOf !== failing.contentOf;
  draft.add({ type: "stack.rollout-ended", id: rollout.id, outcome: isWayBack ? "rolled-back" : "failed", reason });
  if (isWayBack) repeat(draft, proven, { change: "automatic-rollback", author: systemAuthor(rollout), cause: reason });
}

function systemAuthor({ author }: StackRollout): StackRollout["author"] {
  return { principal: { ...author.principal, kind: "system", id: "odysseus", role: "system" }, via: "system" };
}

/** A revision that repeats an older one's members, and the rollout towards it. */
export function repeat(
  draft: StackDraft,
  { contentOf, members, onFailure }: StackRevision,
  rollout: Pick<StackRollout, "author" | "cause"> & { readonly change: StackChangeKind },
): void {
  const changes = changesOf(targetOf(draft.state), members);
  draft.add({ type: "stack.revised", number: nextRevision(draft.state), contentOf, members, onFailure });
  begin(draft, { ...rollout, members: changes });
}

export function nextRevision({ revision }: StackState): number {
  return revision + 1;
}

export function begin(
  draft: StackDraft,
  rollout: Pick<StackRollout, "author" | "cause"> & { readonly change: StackChangeKind; readonly members: readonly MemberChange[] },
): void {
  const { state } = draft;
  draft.add({ type: "stack.rollout-started", revision: state.revision, deadlineAtMs: draft.nowMs + timeFor(state), ...rollout });
}

/** As long as the longest chain of members may take, one waiting for the other: first those that stay, then those that go. */
function timeFor(state: StackState): number {
  const target = targetOf(state);
  const isWanted = new Set(target.map(({ deployment }) => deployment));
  const leaving = Object.keys(state.members).flatMap((name) => (isWanted.has(name) ? [] : (memberNamed(state, name) ?? [])));
  return Math.min(MAX_ROLLOUT_MS, longestChainMs(target) + longestChainMs(leaving) + MARGIN_MS);
}

function longestChainMs(members: readonly Member[]): number {
  const byService = new Map(members.map((member) => [member.service, member]));
  const known = new Map<string, number>();
  const of = (member: Member): number => {
    const before = known.get(member.service);
    if (before !== undefined) return before;
    const others = member.after.flatMap(({ service }) => byService.get(service) ?? []);
    const total = member.template.rollout.wholeDeadlineMs + Math.max(0, ...others.map(of));
    known.set(member.service, total);
    return total;
  };
  return Math.max(0, ...members.map(of));
}
