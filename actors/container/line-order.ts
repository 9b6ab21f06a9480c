import type { LogItemLine } from "./log-contract.ts";

/** Lines held to be put in order; when there are more, the oldest leave at once. */
export const MAX_HELD_LINES = 20_000;

interface HeldLine {
  readonly line: LogItemLine;
  readonly arrivedMs: number;
}

/**
 * Puts lines of many containers in the order of their times. Each is held for a window, in which earlier ones may still arrive from other nodes; what
 * comes later than that is passed on as it is.
 */
export class LineOrder {
  readonly #windowMs: number;
  /** By time; equal times in order of arrival. */
  #held: HeldLine[] = [];

  /** `Infinity`: until `takeAll`, for a reading that ends. */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  get size(): number {
    return this.#held.length;
  }

  add(line: LogItemLine, nowMs: number): void {
    let index = this.#held.length;
    while (index > 0 && (this.#held[index - 1]?.line.atMs ?? 0) > line.atMs) index -= 1;
    this.#held.splice(index, 0, { line, arrivedMs: nowMs });
  }

  /** Lines that waited long enough, with those before them; and all that are too many. */
  takeDue(nowMs: number): readonly LogItemLine[] {
    let count = Math.max(0, this.#held.length - MAX_HELD_LINES);
    for (let index = this.#held.length - 1; index >= count; index -= 1) {
      const held = this.#held[index];
      if (held !== undefined && nowMs - held.arrivedMs >= this.#windowMs) {
        count = index + 1;
        break;
      }
    }
    return this.#take(count);
  }

  takeAll(): readonly LogItemLine[] {
    return this.#take(this.#held.length);
  }

  #take(count: number): readonly LogItemLine[] {
    const due = this.#held.slice(0, count).map(({ line }) => line);
    if (count > 0) this.#held = this.#held.slice(count);
    return due;
  }
}
