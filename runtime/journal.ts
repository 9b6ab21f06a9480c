import type { Address } from "./address.ts";

/** Who does something, as the audit names them. */
export interface Principal {
  readonly kind: "user" | "key" | "system";
  readonly id: string;
  /** `admin` and so on for people; actors act as `system`. */
  readonly role: "admin" | "operator" | "developer" | "read-only" | "system";
}

/** The surface a command came in by. */
export type Via = "api" | "cli" | "dashboard" | "mcp" | "athena" | "system";

/** Everything known about a message besides its content. */
export interface Meta {
  /** Identifies the command for ever: the same id acts once and is answered alike each time. At most 200 characters. */
  readonly commandId: string;
  readonly principal: Principal;
  readonly via: Via;
  /** Ties together all that one request caused. */
  readonly correlationId: string;
}

export interface NewEvent {
  /** Noun and past tense, dotted: `placement.assigned`. */
  readonly type: string;
  /** Version of the event's shape; an upcaster exists for every older one. */
  readonly schema: number;
  readonly data: unknown;
}

export interface StoredEvent extends NewEvent {
  /** Position in the tenant's file; grows by one per event, across streams. */
  readonly offset: number;
  readonly stream: Address;
  /** Position in the stream, from 1. */
  readonly version: number;
  /** Wall clock, ms. */
  readonly atMs: number;
  readonly meta: Meta;
}

export interface AuditDraft {
  /** Name of the operation or the decision: `deployments.scale`, `node.lost`. */
  readonly operation: string;
  /** Address of what it concerns. */
  readonly resource: string;
  readonly outcome: "accepted" | "refused";
  /** Code of the refusal, when refused. */
  readonly reason?: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface AuditEntry extends AuditDraft {
  /** Position in the tenant's audit log, from 1, without gaps. */
  readonly number: number;
  readonly atMs: number;
  readonly meta: Meta;
}

/** A message that will be delivered until its receiver's application has answered. */
export interface OutboxMessage {
  /** Deterministic: `stream/version/index`. It is the receiver's command id. */
  readonly id: string;
  readonly from: Address;
  readonly to: Address;
  readonly message: unknown;
  readonly correlationId: string;
}

/** A change of the read model. `kind` is the table a person would name: `deployment`, `container`, `node`, `revision`. */
export type RowChange =
  | {
      readonly change: "put";
      readonly kind: string;
      readonly id: string;
      readonly parent: string;
      readonly body: Readonly<Record<string, unknown>>;
    }
  | { readonly change: "delete"; readonly kind: string; readonly id: string };

/** One decision, written whole or not at all. */
export interface Commit {
  readonly stream: Address;
  /** Version of the stream the decision was made on; the first event gets this plus one. */
  readonly expectedVersion: number;
  /** Epoch under which this process owns the tenant. */
  readonly epoch: number;
  readonly atMs: number;
  readonly meta: Meta;
  readonly events: readonly NewEvent[];
  /** Remembered under the command id and given again to whoever sends it again. Undefined: the command leaves no memory (a refusal). */
  readonly reply: { readonly value: unknown } | undefined;
  /** Numbered in this order. */
  readonly audit: readonly AuditDraft[];
  readonly outbox: readonly OutboxMessage[];
  readonly rows: readonly RowChange[];
  /** State after the last event, when it is time for a snapshot. */
  readonly snapshot?: { readonly schema: number; readonly state: unknown };
}

export type CommitResult =
  | { readonly kind: "committed"; readonly version: number; readonly offset: number }
  /** The command id was seen before; nothing was written. */
  | { readonly kind: "duplicate"; readonly reply: unknown }
  /** The stream moved on since the decision: reload and decide again. */
  | { readonly kind: "conflict"; readonly version: number }
  /** A newer owner exists: stop acting for this tenant at once. */
  | { readonly kind: "fenced"; readonly epoch: number }
  /** Nothing was written. `disk-full` and `read-only` may heal; `damaged` does not. */
  | { readonly kind: "failed"; readonly reason: "disk-full" | "read-only" | "damaged" | "closed" | "overloaded"; readonly message: string };

export type LoadFrom = "snapshot" | "start";

export interface LoadedStream {
  readonly snapshot: { readonly version: number; readonly schema: number; readonly state: unknown } | undefined;
  /** Events after the snapshot, in order. */
  readonly events: readonly StoredEvent[];
  readonly version: number;
}

/** One tenant's truth. Commits of one stream are written in the order given; commits of many callers share a transaction (group commit). */
export interface Journal {
  /** Raises the owner's epoch. Later commits under a smaller one are fenced. Answers the epoch in force, which may be greater than the one asked for. */
  claim(epoch: number): Promise<number>;
  /** From the newest snapshot on, unless told to begin at the first event, as one must when the shape of states has changed. */
  load(stream: Address, from?: LoadFrom): Promise<LoadedStream>;
  /** Streams that exist, so that everything with a life of its own is woken after a restart. */
  streams(): Promise<readonly Address[]>;
  /** The remembered reply to a command, if it was accepted before. */
  recall(stream: Address, commandId: string): Promise<{ readonly value: unknown } | undefined>;
  commit(commit: Commit): Promise<CommitResult>;
  /** Messages not yet acknowledged, oldest first. */
  pending(limit: number): Promise<readonly OutboxMessage[]>;
  /** The receivers' applications have answered. */
  acknowledge(ids: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export interface RowQuery {
  readonly kind: string;
  readonly parent?: string;
  /** Only these. */
  readonly ids?: readonly string[];
  /** Equality on top-level fields of the body. */
  readonly where?: Readonly<Record<string, string | number | boolean>>;
  readonly limit: number;
  /** Opaque, from `next` of the page before. */
  readonly cursor?: string;
}

export interface Row {
  readonly id: string;
  readonly parent: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Offset of the event that wrote the row. */
  readonly offset: number;
  readonly updatedAtMs: number;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | undefined;
  /** The journal offset this answer is true as of. */
  readonly asOfOffset: number;
}

export interface EventQuery {
  readonly afterOffset: number;
  readonly stream?: Address;
  readonly limit: number;
}

export interface AuditQuery {
  readonly resource?: string;
  readonly operation?: string;
  readonly principalId?: string;
  readonly outcome?: "accepted" | "refused";
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly limit: number;
  /** Newest first; opaque. */
  readonly cursor?: string;
}

/** Reading never goes through an actor nor over the writing connection. */
export interface ReadModel {
  row(kind: string, id: string): Promise<{ readonly row: Row | undefined; readonly asOfOffset: number }>;
  rows(query: RowQuery): Promise<Page<Row>>;
  events(query: EventQuery): Promise<Page<StoredEvent>>;
  audit(query: AuditQuery): Promise<Page<AuditEntry>>;
  /** Called after every group of commits with the newest offset. */
  onCommitted(listener: (offset: number) => void): { stop(): void };
}
