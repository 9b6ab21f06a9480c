import type { DecideContext, Decision, Outgoing } from "../../runtime/actor.ts";
import { addressOf, partsOf } from "../../runtime/address.ts";
import { isRefusal } from "../../runtime/refusal.ts";
import type { StackOrder } from "../deployment/commands.ts";
import { advance, StackDraft } from "./advance.ts";
import type { StackCommand, StackPersonCommand, StackReply } from "./commands.ts";
import { frontendsToReserve, keepMessages } from "./kept-frontends.ts";
import { change } from "./person.ts";
import type { StackEvent, StackState } from "./state.ts";
import { recordOf } from "./records.ts";
import { revisionOf } from "./target.ts";

/** Every command, then every step that is due because of it. */
export function decide(state: StackState, command: StackCommand, context: DecideContext): Decision<StackEvent> {
  const draft = new StackDraft(state, context.nowMs);
  switch (command.kind) {
    case "member-stands": {
      const known = recordOf(state.members, command.deployment);
      if (known === undefined || JSON.stringify(known.standing) === JSON.stringify(command.standing)) return nothing;
      draft.add({ type: "member.stood", deployment: command.deployment, standing: command.standing });
      break;
    }
    case "member-refused": {
      const { deployment, order, reason } = command;
      if (recordOf(state.members, deployment)?.order !== order) return nothing;
      draft.add({ type: "member.refused", deployment, order, reason });
      break;
    }
    case "preview": {
      const refused = isRefusal(change(draft, command.command, context));
      return { ...nothing, reply: refused ? [] : frontendsToReserve(draft.state) };
    }
    case "wake":
      break;
    default:
      return decideForPerson(draft, command, context);
  }
  return accept(draft, state, context, undefined);
}

type Accepted = Extract<Decision<StackEvent>, { readonly kind: "accept" }>;

const nothing: Accepted = { kind: "accept", events: [], messages: [], reply: null };

function decideForPerson(draft: StackDraft, command: StackPersonCommand, context: DecideContext): Decision<StackEvent> {
  const before = draft.state;
  const operation = `stacks.${command.kind}`;
  const result = change(draft, command, context);
  if (isRefusal(result)) return { kind: "refuse", refusal: result, audit: { operation } };
  const accepted = accept(draft, before, context, result);
  const audit = { operation, before: summary(before), after: { ...summary(draft.state), members: result.members } };
  return { ...accepted, audit: [audit, ...(accepted.audit ?? [])] };
}

function accept(draft: StackDraft, before: StackState, { address }: DecideContext, reply: StackReply | undefined): Accepted {
  advance(draft);
  const { tenant } = partsOf(address);
  const { events, state } = draft;
  const ended = events.filter((event) => event.type === "stack.rollout-ended");
  const audit = ended.map((event) => ({ operation: `rollout.${event.outcome}`, after: event }));
  const messages = [...keepMessages(tenant, before, state), ...messagesOf(tenant, events, state)];
  return { kind: "accept", events, messages, reply: reply ?? null, audit };
}

/** The orders a decision gives. Derived from its events, so that none can be decided and not be sent. */
function messagesOf(tenant: string, events: readonly StackEvent[], after: StackState): readonly Outgoing[] {
  return events.flatMap((event): readonly Outgoing[] => {
    if (event.type !== "member.ordered" || after.rollout === undefined) return [];
    const { deployment, order, wants, content, restart } = event;
    const head = { kind: "member" as const, stack: after.name, order, author: after.rollout.author };
    const message: StackOrder = { ...head, want: wants === "content" ? contentWanted(after, content, restart) : { kind: wants } };
    return [{ to: addressOf(tenant, "deployment", deployment), message }];
  });
}

function contentWanted(state: StackState, key: string, restart: true | undefined): StackOrder["want"] {
  const member = state.contents[key];
  if (member === undefined) throw new Error(`${state.name}: ${key} is ordered and unknown`);
  const { deployment, template, platforms, replicas } = member;
  const content = revisionOf(state, state.revision)?.contentOf;
  const link = state.revisions.findLast((revision) => revision.contentOf === content && deployment in revision.links)?.links[deployment];
  const wanted = { template, platforms, replicas };
  return { kind: "content", wanted, ...(link !== undefined && { revision: link }), ...(restart !== undefined && { restart }) };
}

/** What the audit shows as before and after. */
function summary({ mode, generation, revision }: StackState): Readonly<Record<string, unknown>> {
  return { mode, generation, revision };
}
