import type { Decision } from "./actor.ts";
import type { Commit, CommitResult, Meta } from "./journal.ts";
import type { Refusal } from "./refusal.ts";

/** What is to be decided: a command, or a message the edge has refused and that is only audited. */
export type Question<Command> =
  | { readonly kind: "command"; readonly command: Command }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly message: unknown };

export interface Undecided<Command> {
  readonly question: Question<Command>;
  readonly meta: Meta;
  /** What the actor sent itself is tried again when the disk refuses; nobody else would. */
  readonly sender: "self" | "other";
  /** How often the journal said of it that the state was not what we thought. */
  readonly attempt: number;
}

/** `rejected`: nobody knows whether it was written. */
export type Outcome = CommitResult | { readonly kind: "rejected"; readonly cause: unknown };

export interface Version<State> {
  readonly state: State;
  readonly version: number;
}

/** A decision on its way: perhaps handed to the journal, but not yet answered. */
export interface InFlight<State, Command, Event> {
  readonly from: Undecided<Command>;
  readonly decision: Decision<Event>;
  /** What the actor is if this decision and all before it are written. */
  readonly after: Version<State>;
  readonly events: readonly Event[];
  /** Undefined: nothing to write. */
  readonly commit: Commit | undefined;
  /** Resolves without fail, in the order of the decisions. */
  readonly outcome: Promise<Outcome>;
}
