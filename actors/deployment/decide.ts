import type { AuditNote, DecideContext, Decision } from "../../runtime/actor.ts";
import { partsOf } from "../../runtime/address.ts";
import { isRefusal, type Refusal } from "../../runtime/refusal.ts";
import { advance } from "./advance.ts";
import type { ChangeReply, DeploymentCommand, PersonCommand, StackOrder } from "./commands.ts";
import { Draft } from "./draft.ts";
import type { DeploymentEvent } from "./events.ts";
import { frontendsOf } from "./frontends.ts";
import { isGlobal, presentNodes } from "./global.ts";
import { messagesOf } from "./messages.ts";
import { obey } from "./obey.ts";
import { change } from "./person.ts";
import { isActive } from "./replica.ts";
import type { DeploymentState } from "./state.ts";
import { awaitsIngress } from "./sparing.ts";
import { isNews } from "./news.ts";
import { refusalOf } from "./standing.ts";

/** Every command, then every step that is due because of it. */
export function decide(state: DeploymentState, command: DeploymentCommand, context: DecideContext): Decision<DeploymentEvent> {
  const draft = new Draft(state, context.nowMs);
  switch (command.kind) {
    case "placed":
      draft.add({
        type: "placements.assigned",
        placements: command.placements.filter(
          ({ placementId }) => state.placements[placementId]?.stage.stage !== "assigned" && placementId in state.placements,
        ),
      });
      break;
    case "pending":
      draft.add({ type: "placements.pended", placements: command.placements.filter(({ placementId }) => placementId in state.placements) });
      break;
    case "nodes-fit": {
      const { kind: _kind, ...list } = command;
      const isNews = list.number > (presentNodes(state)?.number ?? 0);
      if (isGlobal(state) && list.revision === state.revision && isNews) draft.add({ type: "nodes.listed", ...list });
      break;
    }
    case "observed":
      draft.add({
        type: "placements.observed",
        statuses: command.statuses.filter((status) => isNews(state.placements[status.placementId], status)),
      });
      break;
    case "ended":
      draft.add({
        type: "placements.observed",
        statuses: command.statuses.filter((status) => isNews(state.placements[status.placementId], status)),
      });
      draft.add({ type: "placements.ended", placementIds: known(state, command.placementIds), because: "stopped" });
      break;
    case "lost":
      draft.add({ type: "placements.disconnected", placementIds: known(state, command.placementIds) });
      break;
    case "gone":
      draft.add({ type: "placements.ended", placementIds: known(state, command.placementIds), because: "gone" });
      break;
    case "evacuate":
      draft.add({ type: "placements.evacuated", placementIds: activeAmong(state, command.placementIds), reason: command.reason });
      break;
    case "stay":
      draft.add({
        type: "placements.retained",
        placementIds: known(state, command.placementIds).filter((id) => state.placements[id]?.evacuation !== undefined),
      });
      break;
    case "withdrawn": {
      const withdrawals = command.placements.filter(({ placementId }) => state.placements[placementId]?.desired === "leaving");
      draft.add({ type: "placements.withdrawn", withdrawals });
      draft.add({ type: "placements.stop-requested", placementIds: withdrawals.map(({ placementId }) => placementId) });
      break;
    }
    case "served": {
      const { rollout, behind } = command;
      if (state.rollout?.id === rollout && awaitsIngress(state.rollout)) draft.add({ type: "rollout.served", id: rollout, behind });
      break;
    }
    case "preview": {
      const refused = isRefusal(change(draft, command.command, context));
      return { kind: "accept", events: [], messages: [], reply: refused ? null : frontendsOf(draft.state) };
    }
    case "wake":
      break;
    case "member":
      return decideForStack(draft, command, context);
    default:
      return decideForPerson(draft, command, context);
  }
  return accept(state, settle(draft), context, undefined);
}

function decideForPerson(draft: Draft, command: PersonCommand, context: DecideContext): Decision<DeploymentEvent> {
  const before = draft.state;
  const operation = `deployments.${command.kind}`;
  const result = change(draft, command, context);
  if (isRefusal(result)) return refuse(result, operation);
  const accepted = accept(before, settle(draft), context, result);
  return noted(accepted, { operation, before: summary(before), after: { ...summary(draft.state), diff: result.diff } });
}

/** A stack is answered by a message, also when the deployment will not do it. */
function decideForStack(draft: Draft, order: StackOrder, context: DecideContext): Decision<DeploymentEvent> {
  const before = draft.state;
  const result = obey(draft, order, context);
  if (isRefusal(result)) return { kind: "accept", events: [], messages: [refusalOf(context.address, order, result)], reply: null };
  const accepted = accept(before, settle(draft), context, undefined);
  if (result === undefined || result.change === "unchanged") return accepted;
  const operation = ORDERED_OPERATIONS[order.want.kind];
  return noted(accepted, { operation, before: summary(before), after: { ...summary(draft.state), diff: result.diff } });
}

/** What a person would have called to the same effect. */
const ORDERED_OPERATIONS = { content: "deployments.apply", restart: "deployments.restart", gone: "deployments.delete" } as const;

/** What was asked for stands before all that ended because of it. */
function noted(decision: Accepted, note: AuditNote): Accepted {
  return { ...decision, audit: [note, ...(decision.audit ?? [])] };
}

type Accepted = Extract<Decision<DeploymentEvent>, { kind: "accept" }>;

function refuse(refusal: Refusal, operation: string): Decision<DeploymentEvent> {
  return { kind: "refuse", refusal, audit: { operation } };
}

function settle(draft: Draft): Draft {
  advance(draft);
  return draft;
}

function accept(before: DeploymentState, draft: Draft, context: DecideContext, reply: ChangeReply | undefined): Accepted {
  const events = draft.events.filter((event) => !isEmpty(event));
  const messages = messagesOf(partsOf(context.address).tenant, events, before, draft.state);
  // How a rollout ends is a decision of ours that people ask about. Several may end in one: the way back may take no time.
  const ended = events.filter((event) => event.type === "rollout.ended");
  const audit = ended.map((event) => ({ operation: `rollout.${event.outcome}`, after: event }));
  return { kind: "accept", events, messages, reply: reply ?? null, audit };
}

/** An event that changes nothing is no event. */
function isEmpty(event: DeploymentEvent): boolean {
  return (
    ("placements" in event && event.placements.length === 0) ||
    ("placementIds" in event && event.placementIds.length === 0) ||
    ("statuses" in event && event.statuses.length === 0) ||
    ("withdrawals" in event && event.withdrawals.length === 0)
  );
}

function known(state: DeploymentState, placementIds: readonly string[]): readonly string[] {
  return placementIds.filter((placementId) => placementId in state.placements);
}

function activeAmong(state: DeploymentState, placementIds: readonly string[]): readonly string[] {
  return placementIds.filter((placementId) => {
    const placement = state.placements[placementId];
    return placement !== undefined && isActive(placement) && placement.evacuation === undefined;
  });
}

/** What the audit shows as before and after. */
function summary(state: DeploymentState): Readonly<Record<string, unknown>> {
  return { mode: state.mode, generation: state.generation, revision: state.revision, replicas: state.replicas };
}
