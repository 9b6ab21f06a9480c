import { createHash } from "node:crypto";

/** Lines a failure is shown with. */
export const TRACE_LINES_KEPT = 50;
/** Longer lines are cut where they are shown. */
const SHOWN_LINE_CHARS = 320;

/** What happened, line by line: all of it in a digest, the newest lines in words. */
export class Trace {
  readonly #hash = createHash("sha256");
  readonly #nowMs: () => number;
  readonly #listener: ((line: string) => void) | undefined;
  #last: string[] = [];

  /** `nowMs`: virtual time. The listener hears every line. */
  constructor(nowMs: () => number, listener?: (line: string) => void) {
    this.#nowMs = nowMs;
    this.#listener = listener;
  }

  add(text: string): void {
    const line = `${(this.#nowMs() / 1_000).toFixed(3).padStart(9)} ${text}`;
    this.#hash.update(`${line}\n`);
    this.#listener?.(line);
    this.#last.push(line.slice(0, SHOWN_LINE_CHARS));
    if (this.#last.length >= 2 * TRACE_LINES_KEPT) this.#last = this.last.slice();
  }

  /** Oldest first. */
  get last(): readonly string[] {
    return this.#last.slice(-TRACE_LINES_KEPT);
  }

  get digest(): string {
    return this.#hash.copy().digest("hex");
  }
}
