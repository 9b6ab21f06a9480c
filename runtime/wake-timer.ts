import type { Clock, Timer } from "./clock.ts";

/** The wall clock may jump while a timer sleeps, so it looks at the clock at least this often. */
const LONGEST_SLEEP_MS = 30_000;

/** Wakes one actor at times of the wall clock that its state tells. */
export class WakeTimer {
  readonly #clock: Clock;
  readonly #wake: (dueAtMs: number) => void;
  readonly #next: (afterMs: number) => number | undefined;
  #timer: Timer | undefined;
  /** The actor has been woken for everything due until then. */
  #wokenUntilMs = 0;

  constructor(clock: Clock, next: (afterMs: number) => number | undefined, wake: (dueAtMs: number) => void) {
    this.#clock = clock;
    this.#next = next;
    this.#wake = wake;
  }

  /** Wakes at once, for whatever became due while nobody looked. */
  wakeNow(): void {
    this.#fire(this.#clock.nowMs());
  }

  /** The state has changed: looks again when to wake. What became due since the last waking is not lost. */
  arm(): void {
    const nowMs = this.#clock.nowMs();
    this.stop();
    // The wall clock may have been put back.
    this.#wokenUntilMs = Math.min(this.#wokenUntilMs, nowMs);
    const dueAtMs = this.#next(this.#wokenUntilMs);
    if (dueAtMs === undefined) return;
    this.#timer = this.#clock.after(Math.max(0, Math.min(dueAtMs - nowMs, LONGEST_SLEEP_MS)), () => {
      this.#timer = undefined;
      if (this.#clock.nowMs() < dueAtMs) this.arm();
      else this.#fire(dueAtMs);
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #fire(dueAtMs: number): void {
    this.#wokenUntilMs = Math.max(this.#clock.nowMs(), dueAtMs);
    this.#wake(dueAtMs);
    this.arm();
  }
}
