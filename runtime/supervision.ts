import type { Random } from "./clock.ts";

export const RESTART_DELAY_BASE_MS = 100;
export const RESTART_DELAY_LIMIT_MS = 30_000;
/** An actor that ran so long since its restart starts again from the shortest delay. */
export const HEALTHY_AFTER_MS = 60_000;
/** So many failures within the window, and it stays down until a person resumes it. */
export const QUARANTINE_FAILURES = 10;
export const QUARANTINE_WINDOW_MS = 600_000;

export type Verdict = { readonly kind: "restart"; readonly delayMs: number } | { readonly kind: "quarantine" };

/** Full jitter over min(limit, base x 2^n): spreads out actors that failed together. */
export function backoffMs(attempt: number, random: Random, baseMs = RESTART_DELAY_BASE_MS, limitMs = RESTART_DELAY_LIMIT_MS): number {
  return random.next() * Math.min(limitMs, baseMs * 2 ** Math.min(attempt, 32));
}

/** What becomes of one actor that keeps failing. Times are monotonic. */
export class Supervision {
  readonly #random: Random;
  #failedAtMs: number[] = [];
  #attempt = 0;
  #runningSinceMs: number | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  started(nowMs: number): void {
    this.#runningSinceMs = nowMs;
  }

  failed(nowMs: number): Verdict {
    if (this.#runningSinceMs !== undefined && nowMs - this.#runningSinceMs >= HEALTHY_AFTER_MS) this.#attempt = 0;
    this.#runningSinceMs = undefined;
    this.#failedAtMs = [...this.#failedAtMs.filter((atMs) => nowMs - atMs < QUARANTINE_WINDOW_MS), nowMs];
    if (this.#failedAtMs.length >= QUARANTINE_FAILURES) return { kind: "quarantine" };
    const delayMs = backoffMs(this.#attempt, this.#random);
    this.#attempt += 1;
    return { kind: "restart", delayMs };
  }

  /** Forgets every failure: a person says it may run again. */
  pardon(): void {
    this.#failedAtMs = [];
    this.#attempt = 0;
  }
}
