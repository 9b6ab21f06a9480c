import type { Address } from "../runtime/address.ts";
import type { Commit, CommitResult } from "../runtime/journal.ts";
import { CommitUncertain, type Failed } from "./failure.ts";

/** A commit as it is bound to statements: every JSON column is text already, so the thread that writes parses and prints nothing. */
export interface EncodedCommit {
  readonly stream: Address;
  readonly expectedVersion: number;
  readonly epoch: number;
  readonly atMs: number;
  readonly commandId: string;
  readonly meta: string;
  readonly principalId: string;
  readonly events: readonly { readonly type: string; readonly schema: number; readonly data: string }[];
  readonly reply: string | null;
  readonly audit: readonly EncodedAudit[];
  readonly outbox: readonly {
    readonly id: string;
    readonly from: Address;
    readonly to: Address;
    readonly correlationId: string;
    readonly message: string;
  }[];
  readonly rows: readonly EncodedRowChange[];
  readonly snapshot: { readonly schema: number; readonly state: string } | null;
}

export interface EncodedAudit {
  readonly operation: string;
  readonly resource: string;
  readonly outcome: "accepted" | "refused";
  readonly reason: string | null;
  readonly before: string | null;
  readonly after: string | null;
}

export interface EncodedRow {
  readonly change: "put";
  readonly kind: string;
  readonly id: string;
  readonly parent: string;
  readonly body: string;
}

export type EncodedRowChange = EncodedRow | { readonly change: "delete"; readonly kind: string; readonly id: string };

/** As `CommitResult`, with a remembered reply still as text. `broken` is a bug in the commit itself, `uncertain` a write whose fate is unknown: both reject. */
export type EncodedResult =
  | Exclude<CommitResult, { kind: "duplicate" }>
  | { readonly kind: "duplicate"; readonly reply: string }
  | WriteFault;

export type WriteFault = { readonly kind: "broken"; readonly message: string } | { readonly kind: "uncertain"; readonly message: string };

/** What became of a group. `fault` is there when the acknowledgements that came with it were not written. */
export interface WrittenGroup {
  readonly results: readonly EncodedResult[];
  readonly fault: Failed | WriteFault | undefined;
}

export function encodeCommit(commit: Commit): EncodedCommit {
  const { snapshot } = commit;
  return {
    stream: commit.stream,
    expectedVersion: commit.expectedVersion,
    epoch: commit.epoch,
    atMs: commit.atMs,
    commandId: commit.meta.commandId,
    meta: toJson(commit.meta),
    principalId: commit.meta.principal.id,
    events: commit.events.map(({ type, schema, data }) => ({ type, schema, data: toJson(data) })),
    reply: commit.reply === undefined ? null : toJson(commit.reply.value),
    audit: commit.audit.map(({ operation, resource, outcome, reason, before, after }) => ({
      operation,
      resource,
      outcome,
      reason: reason ?? null,
      before: before === undefined ? null : toJson(before),
      after: after === undefined ? null : toJson(after),
    })),
    outbox: commit.outbox.map(({ id, from, to, correlationId, message }) => ({ id, from, to, correlationId, message: toJson(message) })),
    rows: commit.rows.map((row) => (row.change === "put" ? { ...row, body: toJson(row.body) } : row)),
    snapshot: snapshot === undefined ? null : { schema: snapshot.schema, state: toJson(snapshot.state) },
  };
}

/** JSON has no `undefined`: a reply or message without a value is `null`. */
function toJson(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

/** What the caller of `commit` gets. Throws `CommitUncertain` for a write whose fate is unknown, and for a commit that was broken. */
export function resultOf(result: EncodedResult | undefined): CommitResult {
  if (result === undefined) throw new Error("the commit got no answer");
  if (result.kind === "uncertain") throw new CommitUncertain(result.message);
  if (result.kind === "broken") throw new Error(result.message);
  return result.kind === "duplicate" ? { kind: "duplicate", reply: JSON.parse(result.reply) as unknown } : result;
}

/** Roughly what a commit weighs while it waits, in UTF-16 units. */
export function weightOf(commit: EncodedCommit): number {
  let weight = commit.meta.length + (commit.reply?.length ?? 0) + (commit.snapshot?.state.length ?? 0);
  for (const { data } of commit.events) weight += data.length;
  for (const { message } of commit.outbox) weight += message.length;
  for (const row of commit.rows) weight += row.change === "put" ? row.body.length : 0;
  return weight;
}
