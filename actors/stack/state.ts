import type { OrderAuthor } from "../deployment/commands.ts";
import type { RolloutOutcome } from "../deployment/contract.ts";
import type { Standing } from "../deployment/standing.ts";
import type { Member, MemberChange } from "./commands.ts";
import type { StackChangeKind } from "./contract.ts";

/** Content never changes. A rollback is a new revision that repeats the members of an older one. */
export interface StackRevision {
  readonly number: number;
  /** Number of the revision whose members these are; its own, except after a rollback. */
  readonly contentOf: number;
  /** In the order of the manifest. */
  readonly members: readonly Member[];
  /** By deployment: its revision that is this content. Filled while the members are rolled out. */
  readonly links: Readonly<Record<string, number>>;
  readonly onFailure: "rollback" | "pause";
  readonly atMs: number;
  /** When a rollout of it succeeded for the first time. */
  readonly provenAtMs: number | undefined;
}

/** One change of the stack on its way, or how it ended. */
export interface StackRollout {
  /** Equal to the generation that began it. */
  readonly id: number;
  readonly change: StackChangeKind;
  readonly revision: number;
  readonly outcome: RolloutOutcome;
  readonly reason: string | undefined;
  readonly startedAtMs: number;
  readonly deadlineAtMs: number;
  readonly endedAtMs: number | undefined;
  readonly members: readonly MemberChange[];
  /** The failure an automatic rollback answers. */
  readonly cause: string | undefined;
  readonly author: OrderAuthor;
  /** Orders from this number on belong to it. */
  readonly firstOrder: number;
}

/** A deployment the stack has ordered something of. */
export interface MemberRecord {
  readonly deployment: string;
  /** Number of the last order. */
  readonly order: number;
  readonly wants: "content" | "gone";
  /** The deployment will not carry out the last order. */
  readonly refused: string | undefined;
  /** As it was last heard of. */
  readonly standing: Standing | undefined;
  /** When it was first heard that the last order is being carried out. */
  readonly carriedAtMs: number | undefined;
}

export interface StackState {
  /** absent: never created, or deleted. */
  readonly mode: "absent" | "present" | "deleting";
  readonly name: string;
  readonly generation: number;
  /** Ascending. */
  readonly revisions: readonly StackRevision[];
  /** Number of the revision the stack is at, or on its way to. */
  readonly revision: number;
  /** Revision of the last rollout that succeeded; 0 before the first. */
  readonly succeeded: number;
  readonly rollout: StackRollout | undefined;
  /** By deployment. One that has left stays until it is gone. */
  readonly members: Readonly<Record<string, MemberRecord>>;
  readonly nextOrder: number;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
}

export type StackEvent =
  | { readonly type: "stack.created" }
  | ({ readonly type: "stack.revised" } & Omit<StackRevision, "links" | "atMs" | "provenAtMs">)
  | { readonly type: "stack.deletion-requested" }
  | ({ readonly type: "stack.rollout-started" } & Pick<
      StackRollout,
      "change" | "revision" | "deadlineAtMs" | "members" | "author" | "cause"
    >)
  | {
      readonly type: "stack.rollout-ended";
      readonly id: number;
      readonly outcome: Exclude<RolloutOutcome, "in-progress">;
      readonly reason: string | undefined;
    }
  | {
      readonly type: "member.ordered";
      readonly deployment: string;
      readonly order: number;
      readonly wants: "content" | "gone";
      /** Its containers are to be made anew in any case. Absent: only where something differs. */
      readonly restart?: true;
    }
  | { readonly type: "member.stood"; readonly deployment: string; readonly standing: Standing }
  | { readonly type: "member.refused"; readonly deployment: string; readonly order: number; readonly reason: string }
  | { readonly type: "stack.deleted" };

export function initialState(name: string): StackState {
  return {
    mode: "absent",
    name,
    generation: 0,
    revisions: [],
    revision: 0,
    succeeded: 0,
    rollout: undefined,
    members: {},
    nextOrder: 1,
    createdAtMs: 0,
    changedAtMs: 0,
  };
}

/** How many revisions can be rolled back to. Each holds all its members; older ones are forgotten, but never the last that succeeded. */
export const MAX_STACK_REVISIONS = 30;

export function evolve(state: StackState, event: StackEvent, atMs: number): StackState {
  switch (event.type) {
    case "stack.created":
      return { ...state, mode: "present", createdAtMs: atMs, succeeded: 0 };
    case "stack.revised": {
      const { type: _type, ...content } = event;
      return withRevision(state, { ...content, links: {}, atMs, provenAtMs: undefined });
    }
    case "stack.deletion-requested":
      return { ...state, mode: "deleting" };
    case "stack.rollout-started":
      return startRollout(state, event, atMs);
    case "stack.rollout-ended":
      return endRollout(state, event, atMs);
    case "member.ordered": {
      const { deployment, order, wants } = event;
      const standing = state.members[deployment]?.standing;
      const record: MemberRecord = { deployment, order, wants, refused: undefined, standing, carriedAtMs: undefined };
      return { ...state, members: { ...state.members, [deployment]: record }, nextOrder: order + 1 };
    }
    case "member.stood":
      return stood(state, event, atMs);
    case "member.refused":
      return withMember(state, event.deployment, (record) => ({ ...record, refused: event.reason }));
    case "stack.deleted":
      return {
        ...initialState(state.name),
        generation: state.generation,
        nextOrder: state.nextOrder,
        rollout: state.rollout,
        // A namesake goes on counting from it, and never rolls back to what was deleted.
        revision: state.revision,
      };
  }
}

function withRevision(state: StackState, revision: StackRevision): StackState {
  const surplus = state.revisions.length + 1 - MAX_STACK_REVISIONS;
  const kept =
    surplus <= 0 ? state.revisions : state.revisions.filter(({ number }, index) => index >= surplus || number === state.succeeded);
  return { ...state, revisions: [...kept, revision], revision: revision.number };
}

function startRollout(state: StackState, event: Extract<StackEvent, { type: "stack.rollout-started" }>, atMs: number): StackState {
  const { type: _type, ...content } = event;
  const id = state.generation + 1;
  const open = { outcome: "in-progress" as const, reason: undefined, startedAtMs: atMs, endedAtMs: undefined };
  return { ...state, generation: id, changedAtMs: atMs, rollout: { id, ...open, ...content, firstOrder: state.nextOrder } };
}

function endRollout(state: StackState, event: Extract<StackEvent, { type: "stack.rollout-ended" }>, atMs: number): StackState {
  if (state.rollout?.id !== event.id) return state;
  const rollout: StackRollout = { ...state.rollout, outcome: event.outcome, reason: event.reason, endedAtMs: atMs };
  if (event.outcome !== "succeeded") return { ...state, rollout };
  const revisions = state.revisions.map((revision) =>
    revision.number === rollout.revision ? { ...revision, provenAtMs: revision.provenAtMs ?? atMs } : revision,
  );
  // Who was to go and is gone is no longer of interest.
  const members = Object.fromEntries(Object.entries(state.members).filter(([, { wants }]) => wants === "content"));
  return { ...state, rollout, revisions, members, succeeded: rollout.revision };
}

function stood(state: StackState, { deployment, standing }: Extract<StackEvent, { type: "member.stood" }>, atMs: number): StackState {
  const before = state.members[deployment];
  if (before === undefined) return state;
  const isCarried = standing.order === before.order;
  const after = withMember(state, deployment, (record) => ({
    ...record,
    standing,
    carriedAtMs: isCarried ? (record.carriedAtMs ?? atMs) : undefined,
  }));
  // What an earlier rollout ordered is no content of the present revision.
  const isOfRollout = before.order >= (state.rollout?.firstOrder ?? Infinity);
  if (!isCarried || !isOfRollout || before.wants === "gone" || !standing.asOrdered) return after;
  return {
    ...after,
    revisions: after.revisions.map((revision) =>
      revision.number === state.revision ? { ...revision, links: { ...revision.links, [deployment]: standing.revision } } : revision,
    ),
  };
}

function withMember(state: StackState, deployment: string, change: (record: MemberRecord) => MemberRecord): StackState {
  const record = state.members[deployment];
  return record === undefined ? state : { ...state, members: { ...state.members, [deployment]: change(record) } };
}
