import type { Random, Timer } from "../clock.ts";
import { seededRandom } from "../seeded-random.ts";
import { TimerQueue, type Scheduled } from "./timer-queue.ts";

/** Wall clock at the beginning of every simulation: 2026-01-01T00:00:00Z. */
export const SIMULATION_STARTS_AT_MS = Date.UTC(2026, 0, 1);

/**
 * Virtual time. One thing happens after another, each to its end, in an order that the seed alone decides: whatever runs inside must take time
 * and chance from here, and wait for nothing but promises.
 */
export class SimLoop {
  readonly seed: number;
  readonly random: Random;
  readonly #queue = new TimerQueue();
  #nowMs = 0;
  #scheduled = 0;
  #steps = 0;
  #digest = 0x811c9dc5;

  constructor(seed: number) {
    this.seed = seed;
    this.random = seededRandom(seed, { nowMs: () => this.wallMs });
  }

  /** Virtual milliseconds since the beginning; never goes back. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** What a clock on the wall that is right shows. */
  get wallMs(): number {
    return SIMULATION_STARTS_AT_MS + this.#nowMs;
  }

  /** Things that have happened. */
  get steps(): number {
    return this.#steps;
  }

  /** Stands for when everything happened: two runs of a seed that differ have different ones. */
  get digest(): string {
    return (this.#digest >>> 0).toString(16).padStart(8, "0");
  }

  after(delayMs: number, call: () => void): Timer {
    this.#scheduled += 1;
    const item: Scheduled = { dueMs: this.#nowMs + Math.max(0, delayMs), number: this.#scheduled, call, isCancelled: false };
    this.#queue.push(item);
    return {
      cancel: () => {
        item.isCancelled = true;
      },
    };
  }

  /** Lets everything happen that is due until then. Rejects with the first error that nothing inside dealt with. */
  async run(untilMs: number): Promise<void> {
    await settled();
    for (let next = this.#queue.peek(); next !== undefined && next.dueMs <= untilMs; next = this.#queue.peek()) {
      await this.#step();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Runs until the condition holds. Throws, with the seed, when it does not within `withinMs`. */
  async runUntil(condition: () => boolean, withinMs: number): Promise<void> {
    const deadlineMs = this.#nowMs + withinMs;
    await settled();
    while (!condition()) {
      const next = this.#queue.peek();
      if (next === undefined || next.dueMs > deadlineMs) throw new Error(`seed ${this.seed}: not so within ${withinMs} ms of virtual time`);
      await this.#step();
    }
  }

  async #step(): Promise<void> {
    const next = this.#queue.pop();
    if (next === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, next.dueMs);
    this.#steps += 1;
    this.#digest = Math.imul(this.#digest ^ next.number, 0x01000193) ^ Math.floor(this.#nowMs * 1_000);
    next.call();
    await settled();
  }
}

/** Until no promise has anything left to do. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
