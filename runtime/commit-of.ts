import { createHash } from "node:crypto";
import type { Decider, Decision, DecideContext } from "./actor.ts";
import type { Address } from "./address.ts";
import type { AuditDraft, Commit, OutboxMessage } from "./journal.ts";
import type { Question, Version } from "./pipeline.ts";

/** A state is stored whole whenever its stream passes a multiple of so many events, so that recovery reads few; unless its decider has another number. */
export const SNAPSHOT_EVERY_EVENTS = 200;
const DIGEST_CHARACTERS = 16;

export interface CommitInput<State, Command, Event extends { readonly type: string }> {
  readonly decider: Decider<State, Command, Event>;
  readonly question: Question<Command>;
  readonly decision: Decision<Event>;
  readonly context: DecideContext;
  readonly epoch: number;
  readonly before: Version<State>;
  readonly after: Version<State>;
}

/** What has to be written for a decision; undefined when nothing has to. Every decision of a person leaves an audit entry at least. */
export function commitOf<State, Command, Event extends { readonly type: string }>(
  input: CommitInput<State, Command, Event>,
): Commit | undefined {
  const { decider, decision, context, before, after, epoch } = input;
  const audit = auditOf(input);
  const shared = { stream: context.address, expectedVersion: before.version, epoch, atMs: context.nowMs, meta: context.meta, audit };
  if (decision.kind === "refuse") {
    return audit.length === 0 ? undefined : { ...shared, events: [], reply: undefined, outbox: [], rows: [] };
  }
  if (decision.events.length === 0 && decision.messages.length === 0 && audit.length === 0 && context.meta.via === "system")
    return undefined;
  const every = decider.snapshotEveryEvents?.(after.state) ?? SNAPSHOT_EVERY_EVENTS;
  const isSnapshotDue = Math.floor(after.version / every) > Math.floor(before.version / every);
  return {
    ...shared,
    events: decision.events.map((event) => ({ type: event.type, schema: decider.eventSchema, data: event })),
    reply: { value: decision.reply ?? null },
    outbox: outboxOf(decision, context, after.version),
    rows: decision.events.length === 0 ? [] : decider.project(before.state, after.state, context),
    ...(isSnapshotDue ? { snapshot: { schema: decider.stateSchema, state: after.state } } : {}),
  };
}

function outboxOf<Event>(
  decision: Extract<Decision<Event>, { kind: "accept" }>,
  { address, meta }: DecideContext,
  version: number,
): readonly OutboxMessage[] {
  // Without an event the version does not move and does not tell two decisions apart; the command does.
  const digest =
    decision.events.length === 0 ? `${createHash("sha256").update(meta.commandId).digest("hex").slice(0, DIGEST_CHARACTERS)}.` : "";
  return decision.messages.map(({ to, message }, index) => ({
    id: `${address}/${version}/${digest}${index}`,
    from: address,
    to,
    message,
    correlationId: meta.correlationId,
  }));
}

function auditOf<State, Command, Event extends { readonly type: string }>({
  decider,
  question,
  decision,
  context,
}: CommitInput<State, Command, Event>): readonly AuditDraft[] {
  const usual = context.meta.via === "system" ? undefined : operationOf(decider.kind, question);
  const resource: Address = context.address;
  if (decision.kind === "refuse") {
    const operation = decision.audit?.operation ?? usual;
    return operation === undefined ? [] : [{ operation, resource, outcome: "refused", reason: decision.refusal.code }];
  }
  const notes = decision.audit ?? [];
  const written = notes.length > 0 || usual === undefined ? notes : [{ operation: usual }];
  return written.map((note) => ({ resource, outcome: "accepted", ...note }));
}

/** For commands whose decider names no operation: `deployment.scale`. */
function operationOf<Command>(kind: string, question: Question<Command>): string {
  const subject: unknown = question.kind === "command" ? question.command : question.message;
  const name =
    typeof subject === "object" && subject !== null && "kind" in subject && typeof subject.kind === "string" ? subject.kind : "message";
  return `${kind}.${name}`;
}
