import type { OrderAuthor, StackOrder } from "../deployment/commands.ts";
import type { RolloutOutcome } from "../deployment/contract.ts";
import type { Standing } from "../deployment/standing.ts";
import type { MemberChange } from "./commands.ts";
import { keptContents, type Contents } from "./contents.ts";
import type { StackChangeKind } from "./contract.ts";
import { recordOf, withRecord, type MemberRecord, type MemberRecords } from "./records.ts";

/** Content never changes. A rollback is a new revision that repeats the members of an older one. */
export interface StackRevision {
  readonly number: number;
  /** Number of the revision whose members these are; its own, except after a rollback. */
  readonly contentOf: number;
  /** Keys of their contents, in the order of the manifest. */
  readonly members: readonly string[];
  /** By deployment: its revision that is this content. Filled when its rollout ends. */
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
  /** The deployment that it failed because of. Absent: it did not fail. */
  readonly failedMember?: string;
  /** The failure an automatic rollback answers, and whose it was. */
  readonly cause: string | undefined;
  readonly causedBy?: string;
  readonly author: OrderAuthor;
  /** Orders from this number on belong to it. */
  readonly firstOrder: number;
}

export interface StackState {
  /** absent: never created, or deleted. */
  readonly mode: "absent" | "present" | "deleting";
  readonly name: string;
  readonly generation: number;
  /** Of the revisions, and of what was last ordered. */
  readonly contents: Contents;
  /** Ascending. */
  readonly revisions: readonly StackRevision[];
  /** Number of the revision the stack is at, or on its way to. */
  readonly revision: number;
  /** Revision of the last rollout that succeeded; 0 before the first. */
  readonly succeeded: number;
  readonly rollout: StackRollout | undefined;
  /** One that has left stays until it is gone. */
  readonly members: MemberRecords;
  readonly nextOrder: number;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
}

export type StackEvent =
  | { readonly type: "stack.created" }
  /** What members of the revision that follows are, as far as they were not that before. */
  | { readonly type: "members.described"; readonly contents: Contents }
  | ({ readonly type: "stack.revised" } & Omit<StackRevision, "links" | "atMs" | "provenAtMs">)
  | { readonly type: "stack.deletion-requested" }
  | ({ readonly type: "stack.rollout-started" } & Pick<
      StackRollout,
      "change" | "revision" | "deadlineAtMs" | "members" | "author" | "cause" | "causedBy"
    >)
  | {
      readonly type: "stack.rollout-ended";
      readonly id: number;
      readonly outcome: Exclude<RolloutOutcome, "in-progress">;
      readonly reason: string | undefined;
      readonly failedMember?: string;
    }
  | {
      readonly type: "member.ordered";
      readonly deployment: string;
      readonly order: number;
      readonly wants: StackOrder["want"]["kind"];
      /** Key of what it is to be, or was. */
      readonly content: string;
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
    contents: {},
    revisions: [],
    revision: 0,
    succeeded: 0,
    rollout: undefined,
    members: [],
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
    case "members.described":
      return { ...state, contents: { ...state.contents, ...event.contents } };
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
      const { deployment, order, content } = event;
      const wants: MemberRecord["wants"] = event.wants === "gone" ? "gone" : "content";
      const standing = recordOf(state.members, deployment)?.standing;
      const record = { deployment, order, wants, content, linked: undefined, refused: undefined, standing, carriedAtMs: undefined };
      return { ...state, members: withRecord(state.members, record), nextOrder: order + 1 };
    }
    case "member.stood":
      return stood(state, event, atMs);
    case "member.refused": {
      const record = recordOf(state.members, event.deployment);
      return record === undefined ? state : { ...state, members: withRecord(state.members, { ...record, refused: event.reason }) };
    }
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
  const next = { ...state, revisions: [...state.revisions, revision], revision: revision.number };
  if (surplus <= 0) return next;
  const revisions = next.revisions.filter(({ number }, index) => index >= surplus || number === state.succeeded);
  const ordered = state.members.map(({ content }) => content);
  return { ...next, revisions, contents: keptContents(state.contents, [...revisions.map(({ members }) => members), ordered]) };
}

function startRollout(state: StackState, event: Extract<StackEvent, { type: "stack.rollout-started" }>, atMs: number): StackState {
  const { type: _type, ...content } = event;
  const id = state.generation + 1;
  const open = { outcome: "in-progress" as const, reason: undefined, startedAtMs: atMs, endedAtMs: undefined };
  return { ...state, generation: id, changedAtMs: atMs, rollout: { id, ...open, ...content, firstOrder: state.nextOrder } };
}

function endRollout(state: StackState, event: Extract<StackEvent, { type: "stack.rollout-ended" }>, atMs: number): StackState {
  if (state.rollout?.id !== event.id) return state;
  const { outcome, reason, failedMember } = event;
  const rollout: StackRollout = { ...state.rollout, outcome, reason, endedAtMs: atMs, ...(failedMember !== undefined && { failedMember }) };
  const isSuccess = event.outcome === "succeeded";
  const revisions = state.revisions.map((revision) => {
    if (revision.number !== rollout.revision) return revision;
    const linked = { ...revision, links: { ...revision.links, ...linksOf(state.members, revision) } };
    return isSuccess ? { ...linked, provenAtMs: revision.provenAtMs ?? atMs } : linked;
  });
  if (!isSuccess) return { ...state, rollout, revisions };
  // Who was to go and is gone is no longer of interest.
  const members = state.members.filter(({ wants }) => wants === "content");
  return { ...state, rollout, revisions, members, succeeded: rollout.revision };
}

/** The revisions of those that were last ordered to be what the stack's revision says, and said that they are. */
function linksOf(records: MemberRecords, { members }: StackRevision): StackRevision["links"] {
  const isOf = new Set(members);
  return Object.fromEntries(
    records.flatMap(({ deployment, content, linked }) => (linked !== undefined && isOf.has(content) ? [[deployment, linked]] : [])),
  );
}

function stood(state: StackState, { deployment, standing }: Extract<StackEvent, { type: "member.stood" }>, atMs: number): StackState {
  const before = recordOf(state.members, deployment);
  if (before === undefined) return state;
  const isCarried = standing.order === before.order;
  const isContent = isCarried && before.wants === "content" && standing.asOrdered;
  const record: MemberRecord = {
    ...before,
    standing,
    linked: isContent ? standing.revision : before.linked,
    carriedAtMs: isCarried ? (before.carriedAtMs ?? atMs) : undefined,
  };
  const after = { ...state, members: withRecord(state.members, record) };
  return state.rollout?.outcome === "in-progress" || record.linked === before.linked ? after : linkedLate(after, record);
}

/** It carried out its order when the rollout was over already. */
function linkedLate(state: StackState, { deployment, content, linked }: MemberRecord): StackState {
  const revisions = state.revisions.map((revision) =>
    revision.number === state.revision && revision.members.includes(content) && linked !== undefined
      ? { ...revision, links: { ...revision.links, [deployment]: linked } }
      : revision,
  );
  return { ...state, revisions };
}
