import type { Address } from "./address.ts";
import type { Meta, RowChange } from "./journal.ts";
import type { Refusal } from "./refusal.ts";

/** What a decider may know besides its state and the command: no clock, no chance, no I/O. */
export interface DecideContext {
  readonly address: Address;
  readonly nowMs: number;
  readonly meta: Meta;
}

/** A message that leaves with the decision, delivered until answered. */
export interface Outgoing {
  readonly to: Address;
  readonly message: unknown;
}

/** A line of the audit log, as a decider writes it. */
export interface AuditNote {
  readonly operation: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export type Decision<Event> =
  | {
      readonly kind: "accept";
      readonly events: readonly Event[];
      readonly messages: readonly Outgoing[];
      /** JSON. Given to whoever asked, now and on every repetition of the command. */
      readonly reply: unknown;
      /** Every decision of a person is audited, and all that we decide in it that a person would ask about, in the order in which it happened. */
      readonly audit?: readonly AuditNote[];
    }
  | { readonly kind: "refuse"; readonly refusal: Refusal; readonly audit?: { readonly operation: string } };

/** The pure heart of a durable actor. State and events are JSON values; events cannot fail on replay. */
export interface Decider<State, Command, Event extends { readonly type: string }> {
  readonly kind: string;
  initial(address: Address): State;
  decide(state: State, command: Command, context: DecideContext): Decision<Event>;
  evolve(state: State, event: Event, atMs: number): State;
  /**
   * When the actor next wants to be woken (wall clock, ms, after `nowMs`) with `wake`. Timers are data, so a restart forgets none: an actor is
   * woken once after every activation, for what became due in between.
   */
  wakeAtMs(state: State, nowMs: number): number | undefined;
  readonly wake: Command;
  /** Rows of the read model that differ between the two states. */
  project(before: State, after: State, context: DecideContext): readonly RowChange[];
  readonly eventSchema: number;
  /** From any older stored shape to today's. */
  upcast(type: string, schema: number, data: unknown): Event;
  readonly stateSchema: number;
  /** A state is stored whole whenever its stream passes a multiple of so many events. Absent: the usual number, which is too often where states are large. */
  snapshotEveryEvents?(state: State): number;
}

/** What the outside of an actor may do. Given to `edge` when the actor is activated. */
export interface EdgeContext<Command> {
  readonly address: Address;
  /**
   * Sends the actor itself a command, which is decided in a later turn. What it is about becomes part of its id, which no other activation gives, in whatever
   * process: what a command stands for is sent again when it is still true, and deciding it twice changes nothing.
   */
  command(command: Command, about: string): void;
  /** Fire and forget to another actor, not durable: for observations that are sent again anyway. */
  tell(to: Address, message: unknown, about: string): void;
}

/** What came in, as seen by the edge: a command for the decider, or something the edge deals with alone (heartbeats, samples). */
export type Intake<Command> =
  | { readonly kind: "command"; readonly command: Command }
  | { readonly kind: "answered"; readonly reply: unknown }
  /** As `answered`, once the edge has asked somebody outside. A rejection is a bug, and whoever asked hears that it failed. */
  | { readonly kind: "answering"; readonly reply: Promise<unknown> }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** The thin shell around a decider: parses what comes in, keeps soft state, acts on the outside after a commit. Its methods never throw and never wait. */
export interface Edge<State, Command, Event> {
  receive(message: unknown, state: State, meta: Meta): Intake<Command>;
  /** After activation and after every commit. Effects must be harmless when repeated. */
  committed?(state: State, events: readonly Event[]): void;
  /** Not journalled, for reading only: what `Host.soft` answers. */
  soft?(): unknown;
  stopped?(): void;
}

export interface ActorDefinition<State, Command, Event extends { readonly type: string }> {
  readonly decider: Decider<State, Command, Event>;
  readonly edge: (context: EdgeContext<Command>) => Edge<State, Command, Event>;
}

/** A set of definitions holds actors of different types; only their host, which takes them apart again by kind, looks inside. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- existential type, which TypeScript lacks
export type AnyActorDefinition = ActorDefinition<any, any, any>;

/** One actor as the inspector sees it. */
export interface ActorView {
  readonly address: Address;
  readonly phase: "recovering" | "running" | "held" | "backing-off" | "quarantined" | "stopping" | "stopped";
  /** Messages waiting. */
  readonly depth: number;
  readonly restarts: number;
  /** Events in its stream. */
  readonly version: number;
  /** In quarantine: what it failed with last. */
  readonly failure?: string;
}

/** How one reaches actors, wherever they live. */
export interface Host {
  /** Resolves with the reply or the refusal; rejects only with `AskFailure`. */
  ask(to: Address, message: unknown, meta: Meta, options: { readonly timeoutMs: number }): Promise<Reply>;
  tell(to: Address, message: unknown, meta: Meta): void;
  /** What the actor answered when it accepted this very command; undefined: it never did. Rejects only with `AskFailure`. */
  recall(of: Address, commandId: string): Promise<Reply | undefined>;
  /** Soft state of an actor in this process; undefined when it is not active here. */
  soft(address: Address): unknown;
  /** Every actor that is active in this process. */
  actors(): readonly ActorView[];
}

export type Reply = { readonly kind: "ok"; readonly value: unknown } | Refusal;

export type AskFailureReason = "timeout" | "stopped" | "mailbox-full" | "quarantined" | "crashed" | "not-owner" | "unknown-kind";

export class AskFailure extends Error {
  readonly reason: AskFailureReason;
  constructor(reason: AskFailureReason, to: Address, cause?: unknown) {
    super(`${to}: ${reason}`, { cause });
    this.name = "AskFailure";
    this.reason = reason;
  }
}
