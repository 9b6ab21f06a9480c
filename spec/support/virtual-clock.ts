import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, Timer } from "../../runtime/clock.ts";

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly call: () => void;
}

/** Turns of the loop after each timer, so that promises which wait for one another come to rest. */
const QUIET_TURNS = 2;

/** A clock that only moves when told to. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  #due: Due[] = [];
  readonly #epochMs: number;

  constructor(epochMs = Date.UTC(2026, 0, 1)) {
    this.#epochMs = epochMs;
  }

  nowMs(): number {
    return this.#epochMs + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, call: () => void): Timer {
    this.#order += 1;
    const due: Due = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, call };
    this.#due.push(due);
    return { cancel: () => void (this.#due = this.#due.filter((other) => other !== due)) };
  }

  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    await this.#quiet();
    for (let due = this.#next(untilMs); due !== undefined; due = this.#next(untilMs)) {
      const current = due;
      this.#due = this.#due.filter((other) => other !== current);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.call();
      await this.#quiet();
    }
    this.#nowMs = untilMs;
  }

  /** Moves until it holds; throws when it does not within the time. */
  async until(what: string, holds: () => boolean, withinMs = 60_000): Promise<void> {
    const deadlineMs = this.#nowMs + withinMs;
    await this.#quiet();
    while (!holds()) {
      const due = this.#next(deadlineMs);
      if (due === undefined) throw new Error(`not within ${withinMs} ms: ${what}`);
      await this.advance(due.atMs - this.#nowMs);
    }
  }

  #next(untilMs: number): Due | undefined {
    return this.#due
      .filter((due) => due.atMs <= untilMs)
      .toSorted((one, other) => one.atMs - other.atMs || one.order - other.order)
      .at(0);
  }

  async #quiet(): Promise<void> {
    for (let turn = 0; turn < QUIET_TURNS; turn += 1) await nextTurn();
  }
}
