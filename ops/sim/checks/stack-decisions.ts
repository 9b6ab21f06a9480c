import { isDeepStrictEqual } from "node:util";
import { PinnedTemplate } from "../../../actors/deployment/contract.ts";
import type { DeploymentEvent } from "../../../actors/deployment/events.ts";
import { closedBecause, wantedSlots } from "../../../actors/deployment/global.ts";
import type { DeploymentState } from "../../../actors/deployment/state.ts";
import type { Member } from "../../../actors/stack/commands.ts";
import { StackSpec, type Condition, type MemberSpec } from "../../../actors/stack/contract.ts";
import { memberName } from "../../../actors/stack/names.ts";
import { recordOf } from "../../../actors/stack/records.ts";
import type { StackRevision, StackState } from "../../../actors/stack/state.ts";
import { revisionOf, targetAt, targetOf } from "../../../actors/stack/target.ts";
import type { DeploymentStep, StackStep, Truth, TruthListener } from "../truth.ts";
import type { Report } from "../violation.ts";
import type { Wish } from "../ingredients.ts";

/** What became of the last order a deployment carried out. */
interface Carried {
  readonly stack: string;
  readonly order: number;
  /** Its containers were made anew for it. */
  readonly isReplaced: boolean;
  /** What was true of its replicas at some time since. */
  readonly was: Set<Condition>;
  /** Somebody or something else has changed it since. */
  changedSince: boolean;
}

const CHANGES: ReadonlySet<DeploymentEvent["type"]> = new Set(["rollout.started", "mode.changed", "replicas.changed"]);

/** What must be true of every decision of a stack at the moment it is written, whatever else is going wrong. */
export class StackDecisions implements TruthListener {
  readonly #truth: Truth;
  readonly #wishOf: (commandId: string) => Wish | undefined;
  readonly #report: Report;
  /** By deployment. */
  readonly #carried = new Map<string, Carried>();
  /** Deployments, in the order in which all their containers were last made anew for an order: the newest is the last. */
  readonly #replaced = new Set<string>();

  constructor(truth: Truth, wishOf: (commandId: string) => Wish | undefined, report: Report) {
    this.#truth = truth;
    this.#wishOf = wishOf;
    this.#report = report;
  }

  deployment({ before, event, after, atMs }: DeploymentStep): void {
    const { name } = before;
    if (event.type === "membership.ordered") {
      const { stack, order, wants } = event;
      const isReplaced = isReplacing(after, atMs) && after.rollout?.id !== before.membership?.rollout;
      if (isReplaced) {
        this.#replaced.delete(name);
        this.#replaced.add(name);
      }
      const isAsBefore = wants === "restart" && this.#carried.get(name)?.changedSince === true;
      this.#carried.set(name, { stack, order, isReplaced, was: new Set(), changedSince: isAsBefore });
      const record = recordOf(this.#truth.stacks.get(stack)?.members ?? [], name);
      if (wants === "gone" && record?.order === order && record.wants !== "gone")
        this.#report(ONLY_PRUNED, `${name} is deleted, and ${stack} wants to keep it`);
    }
    const carried = this.#carried.get(name);
    if (carried === undefined) return;
    if (CHANGES.has(event.type)) carried.changedSince = true;
    for (const condition of conditionsOf(after)) carried.was.add(condition);
  }

  stack(step: StackStep): void {
    const { event, after } = step;
    if (event.type === "stack.revised") this.#isAsAsked(step, event);
    else if (event.type === "member.ordered" && event.wants === "gone") this.#isNotWanted(after, event.deployment);
    else if (event.type === "member.ordered") this.#isInOrder(after, event.deployment);
    else if (event.type === "stack.rollout-ended" && event.outcome === "succeeded") this.#succeededTruly(step.before);
  }

  #isAsAsked({ before, after, commandId }: StackStep, revised: Pick<StackRevision, "number" | "contentOf">): void {
    const is = membersAt(after, revised.number);
    const { name } = before;
    const wrong = (what: string): void =>
      this.#report("a stack becomes what was asked for", `${name}, revision ${revised.number}: ${what}`);
    if (revised.contentOf !== revised.number) {
      if (!isDeepStrictEqual(membersAt(before, revised.contentOf), is)) wrong(`it is not what ${revised.contentOf} was`);
      return;
    }
    const wish = this.#wishOf(commandId);
    if (wish?.operation !== "stacks.apply") return wrong("nobody asked for it");
    const { name: _stack, ...input } = wish.input;
    const { members, prune } = StackSpec.parse(input);
    const given = new Set(members.map(({ service }) => memberName(name, service)));
    const stay =
      prune || before.mode !== "present" ? [] : membersAt(before, before.revision).filter(({ deployment }) => !given.has(deployment));
    const written = new Map(is.map((member) => [member.deployment, member]));
    if (written.size !== given.size + stay.length) wrong(`it has the members ${[...written.keys()].join(", ")}`);
    for (const member of stay)
      if (!isDeepStrictEqual(written.get(member.deployment), member)) wrong(`${member.deployment} was not to change`);
    for (const member of members)
      if (!isWhatIsAsked(written.get(memberName(name, member.service)), member)) wrong(`${member.service} is not as it was asked for`);
  }

  #isInOrder(state: StackState, deployment: string): void {
    const members = membersAt(state, state.revision);
    const waits = members.find((member) => member.deployment === deployment)?.after ?? [];
    for (const { service, condition } of waits) {
      const other = members.find((member) => member.service === service)?.deployment ?? "";
      if (!isAsked(state, other)) continue;
      const carried = this.#carried.get(other);
      const record = recordOf(state.members, other);
      const isWhatItIsToBe = record?.wants === "content" && record.content === targetOf(state).keys.get(other);
      if (!isWhatItIsToBe || carried?.stack !== state.name || carried.order !== record.order || !carried.was.has(condition))
        this.#report("members are begun in their order", `${deployment} is begun, and ${other} was never ${condition}`);
    }
  }

  #isNotWanted(state: StackState, deployment: string): void {
    if (state.mode === "present" && membersAt(state, state.revision).some((member) => member.deployment === deployment))
      this.#report(ONLY_PRUNED, `${state.name} tells ${deployment} to go, which is a member`);
  }

  /** Every member is what it was to be, whoever left is gone, and what was linked is what is there. */
  #succeededTruly(state: StackState): void {
    const { name, rollout, mode } = state;
    const all = mode === "present" ? membersAt(state, state.revision) : [];
    const target = all.filter(({ deployment }) => isAsked(state, deployment));
    const wrong = (what: string): void => this.#report("a rollout that succeeded did", `${name}, rollout ${rollout?.id}: ${what}`);
    for (const member of target) {
      const { deployment } = member;
      const carried = this.#carried.get(deployment);
      if (carried?.order !== recordOf(state.members, deployment)?.order) wrong(`${deployment} has not carried out its order`);
      const isMadeAnew = carried?.isReplaced === true && carried.order >= (rollout?.firstOrder ?? Infinity);
      if (rollout?.change === "restart" && !isMadeAnew) wrong(`${deployment} was not restarted`);
      const is = this.#truth.deployments.get(deployment);
      if (is === undefined || carried?.changedSince === true) continue;
      // Whoever was what it is to be already is left alone, whichever of its own revisions that is: what was changed by hand and taken back by a later change
      // of the stack is the same under a newer number, and going back to the number that was linked would be a change to nothing else.
      const isOrdered = carried !== undefined && carried.order >= (rollout?.firstOrder ?? Infinity);
      const problem = differenceOf(is, member) ?? (isOrdered ? unlinked(state, is) : undefined);
      if (problem !== undefined) wrong(problem);
    }
    const order = [...this.#replaced];
    const byService = new Map(all.map(({ service, deployment }) => [service, deployment]));
    for (const { deployment, after } of target)
      for (const { service, restart } of after)
        if (restart === true && order.indexOf(byService.get(service) ?? "") > order.indexOf(deployment))
          wrong(`${deployment} was not restarted after ${service}`);
    const isWanted = new Set(all.map(({ deployment }) => deployment));
    for (const { name: deployment, mode: is, membership } of this.#truth.deployments.values())
      if (membership?.stack === name && is !== "absent" && !isWanted.has(deployment)) wrong(`${deployment} is still there`);
  }
}

/** Whether the rollout under way is about it: a restart is about those that it names, and neither waits for others nor changes them. */
function isAsked({ rollout }: StackState, deployment: string): boolean {
  return rollout?.change !== "restart" || rollout.members.some((member) => member.deployment === deployment);
}

/** Begun now, or under way and begun by itself, and not for more or fewer replicas alone. */
function isReplacing({ rollout }: DeploymentState, atMs: number): boolean {
  const isBegun = rollout?.startedAtMs === atMs || rollout?.outcome === "in-progress";
  return isBegun && rollout?.change !== "scale" && rollout?.spares !== true;
}

const ONLY_PRUNED = "only what is to leave a stack is removed";

function membersAt(state: StackState, number: number): readonly Member[] {
  return targetAt(state, revisionOf(state, number)).members;
}

function isWhatIsAsked(
  is: Member | undefined,
  { service, after, spec: { image, replicas, files: _none, ...fields } }: MemberSpec,
): boolean {
  if (is === undefined || is.template.image.reference !== image) return false;
  const wanted = PinnedTemplate.parse({ ...fields, image: is.template.image });
  return is.service === service && is.replicas === replicas && isDeepStrictEqual(is.after, after) && isDeepStrictEqual(is.template, wanted);
}

function differenceOf(state: DeploymentState, { replicas, template }: Member): string | undefined {
  const { name, mode, membership } = state;
  if (mode !== "running" || membership?.outcome !== "succeeded") return `${name} is ${mode}, its order ${membership?.outcome}`;
  if (state.replicas !== replicas) return `${name} has ${state.replicas} replicas, not ${replicas}`;
  const is = state.revisions.find(({ number }) => number === state.revision)?.template;
  return isDeepStrictEqual(is, template) ? undefined : `${name} is not what the stack says`;
}

/**
 * One of the member's own revisions that once were this content is what it goes back to, also one that another change overtook before it was proven, unless it
 * is like it already, so that it stays or is restarted, or it was deleted and made anew since.
 */
function unlinked({ revisions, revision }: StackState, { name, membership, rollout, ...state }: DeploymentState): string | undefined {
  if (membership?.rollout === undefined || rollout?.change === "restart") return undefined;
  const content = revisions.find(({ number }) => number === revision)?.contentOf;
  const links = new Set(
    revisions.filter(({ contentOf, number }) => contentOf === content && number < revision).map((old) => old.links[name]),
  );
  const present = state.revisions.find(({ number }) => number === state.revision);
  const linked = state.revisions.filter(({ number, template }) => links.has(number) && isDeepStrictEqual(template, present?.template));
  if (linked.every(({ provenAtMs }) => provenAtMs === undefined) || linked.some(({ contentOf }) => contentOf === present?.contentOf))
    return undefined;
  return `${name} is at ${present?.contentOf}, linked was ${linked.map(({ contentOf }) => contentOf).join(", ")}`;
}

/** A node of a global one that takes no replicas now, or that its rollout has ended without. */
function isLeftOut(state: DeploymentState, number: number): boolean {
  const slot = state.slots[number];
  if (slot?.node === undefined) return false;
  const isThere = Object.values(state.placements).some((placement) => placement.slot === number && placement.stage.stage === "assigned");
  return closedBecause(state, slot) !== undefined || (!isThere && state.rollout?.outcome !== "in-progress");
}

/** As seen from the deployment itself. */
function conditionsOf(state: DeploymentState): readonly Condition[] {
  const { mode, slots, placements, revisions, revision } = state;
  const content = revisions.find(({ number }) => number === revision)?.contentOf;
  if (mode !== "running" || content === undefined) return [];
  const numbers = wantedSlots(state).filter((slot) => !isLeftOut(state, slot));
  const isDone = (slot: number): boolean => slots[slot]?.ended?.contentOf === content && slots[slot].ended.outcome === "succeeded";
  const all = Object.values(placements).filter((placement) => placement.contentOf === content && placement.desired === "running");
  const isWell = (slot: number): boolean =>
    all.some(
      ({ slot: its, healthySinceMs, disconnectedSinceMs }) =>
        its === slot && healthySinceMs !== undefined && disconnectedSinceMs === undefined,
    );
  const hasBegun = (slot: number): boolean =>
    all.some(({ slot: its, status }) => its === slot && !["accepted", "pulling", "starting", undefined].includes(status?.current.phase));
  return [
    ...(numbers.every((slot) => isDone(slot) || hasBegun(slot)) ? (["started"] as const) : []),
    ...(numbers.every((slot) => isDone(slot) || isWell(slot)) ? (["healthy"] as const) : []),
    ...(numbers.every(isDone) ? (["completed"] as const) : []),
  ];
}
