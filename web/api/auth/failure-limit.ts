import type { Clock } from "../../../runtime/clock.ts";

export const FAILURES_PER_MINUTE = 20;
const WINDOW_MS = 60_000;
/** Beyond this the address that failed longest ago is forgotten. */
const MAX_ADDRESSES = 10_000;

/**
 * Counts failed sign-ins per address. Valid credentials are never locked out, since other people may share the address; guessing is hopeless anyway
 * (256 bits), what is bounded here is the work and the noise it makes.
 */
export class FailureLimit {
  readonly #clock: Clock;
  readonly #failures = new Map<string, { readonly sinceMs: number; readonly count: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one; answers how long to wait when there were too many, in seconds. */
  failed(address: string): number | undefined {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#failures.get(address);
    const current =
      known === undefined || nowMs - known.sinceMs >= WINDOW_MS ? { sinceMs: nowMs, count: 1 } : { ...known, count: known.count + 1 };
    this.#failures.delete(address);
    this.#failures.set(address, current);
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= MAX_ADDRESSES) break;
      this.#failures.delete(oldest);
    }
    return current.count > FAILURES_PER_MINUTE ? Math.max(1, Math.ceil((current.sinceMs + WINDOW_MS - nowMs) / 1_000)) : undefined;
  }
}
