import type { CommitResult } from "./journal.ts";

export type DeadLetterReason = "mailbox-full" | "stopped" | "expired" | "crashed" | "unknown-kind" | "not-owner";

/** What the runtime counts. `metrics.ts` gives it to Prometheus; agents and simulations may do without. */
export interface Meter {
  /** One batch of turns of an actor of this kind. */
  batch(kind: string, messages: number, durationMs: number): void;
  restarted(kind: string): void;
  quarantined(kind: string): void;
  deadLetter(reason: DeadLetterReason): void;
  committed(tenant: string, outcome: CommitResult["kind"] | "rejected", durationMs: number): void;
  /** Messages waiting to be answered, and for how long the oldest has waited. */
  outbox(tenant: string, waiting: number, oldestAgeMs: number): void;
}

export const noMeter: Meter = {
  batch: () => undefined,
  restarted: () => undefined,
  quarantined: () => undefined,
  deadLetter: () => undefined,
  committed: () => undefined,
  outbox: () => undefined,
};
