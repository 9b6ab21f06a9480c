import type { Clock, Timer } from "../../runtime/clock.ts";
import type { EngineLogLine, LogQuery } from "./port.ts";

/** Lines a container keeps; older ones are gone, like those of a rotated file. */
const MAX_LINES_KEPT = 1_000;

interface Line {
  readonly stream: "stdout" | "stderr";
  /** For the order; the wall clock may jump. */
  readonly monotonicMs: number;
  readonly atMs: number;
  readonly text: string;
}

/** What a simulated process prints. The lines of its daily work are derived from the time when somebody reads them, so that silence costs no timers. */
export class SimulatedOutput {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #written: Line[] = [];
  readonly #wakers = new Set<() => void>();
  #beganMs: number | undefined;
  #beganAtMs = 0;
  #finishedMs: number | undefined;

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  begin(text: string): void {
    this.#beganMs = this.#clock.monotonicMs();
    this.#beganAtMs = this.#clock.nowMs();
    this.#finishedMs = undefined;
    this.write("stdout", text);
  }

  write(stream: "stdout" | "stderr", text: string): void {
    this.#written.push({ stream, monotonicMs: this.#clock.monotonicMs(), atMs: Math.floor(this.#clock.nowMs()), text });
    if (this.#written.length > MAX_LINES_KEPT) this.#written.shift();
    this.#wake();
  }

  finish(): void {
    this.#finishedMs = this.#clock.monotonicMs();
    this.#wake();
  }

  /** The engine went away: readers end. */
  interrupt(): void {
    this.#wake();
  }

  /** `reachable` is asked before each wait: once it says no, the reading ends. */
  async *read(query: LogQuery, reachable: () => boolean): AsyncGenerator<EngineLogLine> {
    const wanted = ({ stream, atMs }: Line) => query.streams.includes(stream) && (query.sinceMs === undefined || atMs >= query.sinceMs);
    let seen = this.#lines();
    let pending = seen.filter(wanted);
    if (query.tail !== undefined) pending = query.tail === 0 ? [] : pending.slice(-query.tail);
    while (true) {
      for (const line of pending) {
        if (query.signal.aborted) return;
        yield { stream: line.stream, atMs: line.atMs, text: line.text };
      }
      if (query.signal.aborted || !query.follow || !reachable()) return;
      const before = seen;
      if (this.#finishedMs !== undefined && this.#lines().length === before.length) return;
      if (this.#finishedMs === undefined) await this.#more(query.signal);
      seen = this.#lines();
      const known = new Set(before.map(identity));
      pending = seen.filter((line) => !known.has(identity(line)) && wanted(line));
    }
  }

  #lines(): readonly Line[] {
    if (this.#beganMs === undefined || this.#everyMs <= 0) return [...this.#written];
    const untilMs = this.#finishedMs ?? this.#clock.monotonicMs();
    const count = Math.floor((untilMs - this.#beganMs) / this.#everyMs);
    const work: Line[] = [];
    for (let number = Math.max(1, count - MAX_LINES_KEPT + 1); number <= count; number++) {
      work.push({
        stream: "stdout",
        monotonicMs: this.#beganMs + number * this.#everyMs,
        atMs: Math.floor(this.#beganAtMs + number * this.#everyMs),
        text: `request ${number} answered in ${3 + ((number * 7) % 23)} ms`,
      });
    }
    return [...this.#written, ...work].toSorted((a, b) => a.monotonicMs - b.monotonicMs).slice(-MAX_LINES_KEPT);
  }

  #more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const wake = () => {
        timer?.cancel();
        this.#wakers.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#wakers.add(wake);
      signal.addEventListener("abort", wake);
      if (this.#everyMs > 0) {
        const sinceBeganMs = this.#clock.monotonicMs() - (this.#beganMs ?? this.#clock.monotonicMs());
        timer = this.#clock.after(this.#everyMs - (sinceBeganMs % this.#everyMs), wake);
      }
    });
  }

  #wake(): void {
    for (const wake of this.#wakers) wake();
  }
}

function identity(line: Line): string {
  return `${line.monotonicMs} ${line.stream} ${line.text}`;
}
