import type { Address } from "./address.ts";
import type { Clock } from "./clock.ts";
import type { DeadLetterReason, Meter } from "./meter.ts";

/** The newest are kept for the inspector; older ones are only counted. */
export const DEAD_LETTERS_KEPT = 1_000;

export interface DeadLetter {
  readonly to: Address;
  readonly reason: DeadLetterReason;
  readonly message: unknown;
  /** Wall clock. */
  readonly atMs: number;
  /** Of the turn that failed on it. */
  readonly stack?: string;
}

/** Where messages end that nobody will handle, so that none disappears without a trace. */
export class DeadLetters {
  readonly #clock: Clock;
  readonly #meter: Meter;
  readonly #ring: DeadLetter[] = [];
  #total = 0;

  constructor(clock: Clock, meter: Meter) {
    this.#clock = clock;
    this.#meter = meter;
  }

  record(to: Address, reason: DeadLetterReason, message: unknown, stack?: string): void {
    const letter = { to, reason, message, atMs: this.#clock.nowMs(), ...(stack === undefined ? {} : { stack }) };
    this.#ring[this.#total % DEAD_LETTERS_KEPT] = letter;
    this.#total += 1;
    this.#meter.deadLetter(reason);
  }

  /** All there ever were, also those no longer kept. */
  get total(): number {
    return this.#total;
  }

  /** Oldest first. */
  newest(): readonly DeadLetter[] {
    const oldest = this.#total % DEAD_LETTERS_KEPT;
    return this.#total <= DEAD_LETTERS_KEPT ? [...this.#ring] : [...this.#ring.slice(oldest), ...this.#ring.slice(0, oldest)];
  }
}
