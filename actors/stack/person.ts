import type { DecideContext } from "../../runtime/actor.ts";
import { isRefusal, type Refusal } from "../../runtime/refusal.ts";
import { rollbackTarget } from "../rollback-target.ts";
import { askedRestart } from "./asked-restart.ts";
import { begin, repeat, revise, type StackDraft } from "./advance.ts";
import { changesOf } from "./changes.ts";
import type { Member, MemberChange, StackPersonCommand, StackReply } from "./commands.ts";
import { isSameMember, membersOf } from "./contents.ts";
import { inOrder } from "./order.ts";
import { recordOf } from "./records.ts";
import { stackRefusals as refusals } from "./refusals.ts";
import type { StackRollout } from "./state.ts";
import { revisionOf, targetOf } from "./target.ts";

/** What a person may do to a stack. Adds the events to the draft and answers, or refuses and adds nothing. */
export function change(draft: StackDraft, command: StackPersonCommand, context: DecideContext): StackReply | Refusal {
  const { name, mode, generation } = draft.state;
  const { ifGeneration } = command;
  if (mode !== "absent" && ifGeneration !== undefined && ifGeneration !== generation)
    return refusals["stack.generation-mismatch"]({ name, expected: ifGeneration, actual: generation });
  switch (command.kind) {
    case "apply":
      return mode === "deleting" ? refusals["stack.deleting"]({ name }) : apply(draft, command, context);
    case "rollback":
      if (mode !== "present") return mode === "absent" ? refusals["stack.not-found"]({ name }) : refusals["stack.deleting"]({ name });
      return rollback(draft, command.to, context);
    case "restart":
      if (mode !== "present") return mode === "absent" ? refusals["stack.not-found"]({ name }) : refusals["stack.deleting"]({ name });
      return restart(draft, command.services, context);
    case "delete":
      return mode === "absent" ? refusals["stack.not-found"]({ name }) : remove(draft, context);
  }
}

function apply(
  draft: StackDraft,
  { members: given, prune, onFailure }: Extract<StackPersonCommand, { kind: "apply" }>,
  context: DecideContext,
): StackReply | Refusal {
  const { state } = draft;
  const present = targetOf(state).members;
  const members = wantedMembers(present, given, prune);
  const problems = problemsOf(members);
  if (problems.length > 0) return refusals["stack.invalid"]({ name: state.name, problems });
  const changes = changesOf(present, members);
  const isNew = state.mode === "absent";
  if (!isNew && changes.length === 0) {
    if (state.rollout?.outcome === "in-progress" || isAsWanted(draft)) return answer(draft, "unchanged", []);
    supersede(draft);
    begin(draft, { change: "update", author: authorOf(context), cause: undefined, members: [] });
    return answer(draft, "changed", []);
  }
  supersede(draft);
  if (isNew) draft.add({ type: "stack.created" });
  revise(draft, members, onFailure);
  begin(draft, { change: isNew ? "create" : "update", author: authorOf(context), cause: undefined, members: changes });
  return answer(draft, isNew ? "created" : "changed", changes);
}

/** Those that are not named stay as they are, unless they are to be pruned. A tag that has moved meanwhile changes nothing: the pinned image stays. */
export function wantedMembers(present: readonly Member[], given: readonly Member[], prune: boolean): readonly Member[] {
  const before = new Map(present.map((member) => [member.deployment, member]));
  const isGiven = new Set(given.map(({ deployment }) => deployment));
  const pinned = given.map((member): Member => {
    const old = before.get(member.deployment);
    if (old === undefined || old.template.image.reference !== member.template.image.reference) return member;
    const kept = { ...member, template: { ...member.template, image: old.template.image }, platforms: old.platforms };
    return isSameMember(old, kept) ? old : kept;
  });
  return [...pinned, ...(prune ? [] : present.filter(({ deployment }) => !isGiven.has(deployment)))];
}

/** What would never come to an end, or names nothing. */
function problemsOf(members: readonly Member[]): readonly string[] {
  const services = new Map(members.map((member) => [member.service, member]));
  const problems = members.flatMap(({ service, after }) =>
    after.flatMap(({ service: other, condition }): readonly string[] => {
      const target = services.get(other)?.template;
      if (target === undefined) return [`${service} waits for ${other}, which is no member`];
      const isEndless = target.run === "service" && target.restart.condition === "any";
      return condition === "completed" && isEndless
        ? [`${service} waits for ${other} to be completed, but ${other} is run again whenever it ends`]
        : [];
    }),
  );
  if (services.size < members.length) problems.push("two members are one service");
  const { circle } = inOrder(members);
  return circle === undefined ? problems : [...problems, `${circle.service} waits for itself, through others`];
}

/** Every member is what the last rollout that succeeded made of it. */
function isAsWanted({ state }: StackDraft): boolean {
  return (
    state.rollout?.outcome === "succeeded" &&
    targetOf(state).members.every(({ deployment }) => recordOf(state.members, deployment)?.standing?.asOrdered === true)
  );
}

function rollback(draft: StackDraft, to: number | undefined, context: DecideContext): StackReply | Refusal {
  const { name, revision, revisions } = draft.state;
  const present = revisionOf(draft.state, revision)?.contentOf ?? revision;
  const target = rollbackTarget(revisions, present, to);
  if (target === undefined) {
    return to === undefined
      ? refusals["stack.none-earlier"]({ name, revision: present })
      : refusals["stack.revision-not-found"]({ name, revision: to, known: revisions.map(({ number }) => number) });
  }
  if (target.contentOf === present && isAsWanted(draft)) return refusals["stack.current"]({ name, revision: target.number });
  const changes = changesOf(targetOf(draft.state).members, membersOf(draft.state.contents, target.members));
  supersede(draft);
  repeat(draft, target, { change: "rollback", author: authorOf(context), cause: undefined });
  return answer(draft, "changed", changes);
}

/** Of what is there: which revision the stack is at stays, and so does what was changed by hand. */
function restart(draft: StackDraft, services: readonly string[], context: DecideContext): StackReply | Refusal {
  const { name, revision, succeeded, rollout } = draft.state;
  const { change: under = "create", outcome } = rollout ?? {};
  if (outcome === "in-progress") return refusals["stack.changing"]({ name, change: under, revision });
  if (succeeded !== revision) return refusals["stack.unfinished"]({ name, change: under, revision });
  const asked = askedRestart(draft.state, services);
  if (isRefusal(asked)) return asked;
  const { members, leftAlone } = asked;
  begin(draft, { change: "restart", author: authorOf(context), cause: undefined, members });
  return { ...answer(draft, "changed", members), ...(leftAlone.length > 0 && { leftAlone }) };
}

function remove(draft: StackDraft, context: DecideContext): StackReply {
  if (draft.state.mode === "deleting" && draft.state.rollout?.outcome === "in-progress") return answer(draft, "deleting", []);
  const changes = changesOf(targetOf(draft.state).members, []);
  supersede(draft);
  draft.add({ type: "stack.deletion-requested" });
  begin(draft, { change: "delete", author: authorOf(context), cause: undefined, members: changes });
  return answer(draft, "deleting", changes);
}

function supersede(draft: StackDraft): void {
  const { rollout } = draft.state;
  if (rollout?.outcome === "in-progress")
    draft.add({ type: "stack.rollout-ended", id: rollout.id, outcome: "superseded", reason: "a newer change took its place" });
}

function authorOf({ meta }: DecideContext): StackRollout["author"] {
  return { principal: meta.principal, via: meta.via };
}

function answer({ state }: StackDraft, outcome: StackReply["change"], members: readonly MemberChange[]): StackReply {
  const { name, generation, revision, rollout } = state;
  return { name, generation, revision, change: outcome, ...(rollout?.outcome === "in-progress" ? { rollout: rollout.id } : {}), members };
}
