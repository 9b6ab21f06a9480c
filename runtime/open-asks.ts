import { AskFailure, type AskFailureReason } from "./actor.ts";
import type { Address } from "./address.ts";
import type { Clock } from "./clock.ts";

/** Whoever waits for an answer. Only the first of `resolve` and `fail` counts. */
export interface Asker {
  /** Answered, failed or given up. */
  readonly isSettled: boolean;
  resolve(value: unknown): void;
  fail(reason: AskFailureReason, cause?: unknown): void;
}

/** The asks that one receiver still owes an answer. */
export class OpenAsks {
  readonly #to: Address;
  readonly #clock: Clock;
  readonly #open = new Set<Asker>();

  constructor(to: Address, clock: Clock) {
    this.#to = to;
    this.#clock = clock;
  }

  open(timeoutMs: number, send: (asker: Asker) => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let isSettled = false;
      const settle = (): boolean => {
        if (isSettled) return false;
        isSettled = true;
        timer.cancel();
        this.#open.delete(asker);
        return true;
      };
      const asker: Asker = {
        get isSettled() {
          return isSettled;
        },
        resolve: (value) => {
          if (settle()) resolve(value);
        },
        fail: (reason, cause) => {
          if (settle()) reject(new AskFailure(reason, this.#to, cause));
        },
      };
      const timer = this.#clock.after(timeoutMs, () => asker.fail("timeout"));
      this.#open.add(asker);
      send(asker);
    });
  }

  failAll(reason: AskFailureReason): void {
    for (const asker of this.#open) asker.fail(reason);
  }
}
