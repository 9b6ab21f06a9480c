import type { Member } from "./commands.ts";
import { membersOf } from "./contents.ts";
import { inOrder } from "./order.ts";
import type { StackRevision, StackRollout, StackState } from "./state.ts";

/** The members the stack is to have, to be found by their names. */
export interface Target {
  /** In the order of the manifest. */
  readonly members: readonly Member[];
  /** Each after all that it waits for. */
  readonly inOrder: readonly Member[];
  readonly byService: ReadonlyMap<string, Member>;
  /** Key of the content, by deployment, of all that there are to be. */
  readonly keys: ReadonlyMap<string, string>;
}

export function revisionOf(state: StackState, number: number): StackRevision | undefined {
  return state.revisions.find((revision) => revision.number === number);
}

export function targetOf(state: StackState): Target {
  return state.mode === "present" ? targetAt(state, revisionOf(state, state.revision)) : NOTHING;
}

/** What is called so never changes, so it is put in order once: a stack of thousands is asked for it with every report of a member. */
const known = new WeakMap<StackRevision["members"], Target>();

export function targetAt({ contents }: StackState, revision: StackRevision | undefined): Target {
  if (revision === undefined) return NOTHING;
  const before = known.get(revision.members);
  if (before !== undefined) return before;
  const members = membersOf(contents, revision.members);
  const target: Target = {
    members,
    inOrder: inOrder(members).members,
    byService: new Map(members.map((member) => [member.service, member])),
    keys: new Map(revision.members.map((key, index) => [members[index]?.deployment ?? "", key])),
  };
  known.set(revision.members, target);
  return target;
}

/** The members that a rollout asks something of: all that there are to be; a restart those that it names alone, and it waits for no other. */
export function targetOfRollout(state: StackState, { change, members }: StackRollout): Target {
  const whole = targetOf(state);
  if (change !== "restart") return whole;
  const before = restarted.get(members);
  if (before !== undefined) return before;
  const named = new Set(members.map(({ deployment }) => deployment));
  const isNamed = ({ deployment }: Member): boolean => named.has(deployment);
  const target: Target = {
    ...whole,
    members: whole.members.filter(isNamed),
    inOrder: whole.inOrder.filter(isNamed),
    byService: new Map([...whole.byService].filter(([, member]) => isNamed(member))),
  };
  restarted.set(members, target);
  return target;
}

const restarted = new WeakMap<StackRollout["members"], Target>();

const NOTHING: Target = { members: [], inOrder: [], byService: new Map(), keys: new Map() };
