import type { AgentRequest, LogChunk, LogLine } from "../actors/node/contract.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import type { Agent } from "./agent.ts";
import { type Engine, EngineFailure } from "./engine/port.ts";
import { LABEL } from "./labels.ts";
import { attemptOf, type KnownContainer } from "./plan.ts";
import { readWholeLog, type WholeLogParts } from "./whole-log.ts";

/** Lines wait so long for others to travel with. */
const FLUSH_MS = 20;
const MAX_CHUNK_LINES = 1_000;
/** Characters of one chunk: with their worst encoding still below the bus' largest message. */
const MAX_CHUNK_CHARS = 150_000;
/** Lines waiting to be sent. Beyond it new ones are left out and counted; lines from before the stream was opened wait instead. */
const MAX_BUFFERED_LINES = 10_000;
/** An unrenewed stream ends. */
export const STREAM_LIFE_MS = 30_000;

export type LogsRequest = Extract<AgentRequest, { kind: "logs" }>;
type End = NonNullable<LogChunk["end"]>;

export interface LogStreamParts {
  readonly agent: Agent;
  readonly engine: Engine;
  readonly clock: Clock;
  publish(chunk: LogChunk): void;
  ended(): void;
}

/** One reader's logs: of the placements' current containers, and with `follow` of those that come after them. */
export class LogStream {
  readonly #parts: LogStreamParts;
  readonly #request: LogsRequest;
  readonly #abort = new AbortController();
  readonly #openedAtMs: number;
  readonly #changes = new Map<string, () => void>();
  readonly #room: (() => void)[] = [];
  #buffer: LogLine[] = [];
  #dropped = 0;
  #number = 0;
  #flush: Timer | undefined;
  #life: Timer | undefined;
  #end: End | undefined;

  constructor(parts: LogStreamParts, request: LogsRequest) {
    this.#parts = parts;
    this.#request = request;
    this.#openedAtMs = parts.clock.nowMs();
    this.renew();
    void this.#readAll();
  }

  renew(): void {
    this.#life?.cancel();
    this.#life = this.#parts.clock.after(STREAM_LIFE_MS, () => this.close("the reader went away"));
  }

  close(message: string): void {
    this.#finish({ reason: "closed", message });
  }

  /** The placement's status changed: there may be a new container to follow. */
  changed(placementId: string): void {
    this.#changes.get(placementId)?.();
  }

  async #readAll(): Promise<void> {
    const results = await Promise.all(this.#request.placementIds.map((placementId) => this.#readPlacement(placementId)));
    const failed = results.find((result) => result !== "read" && result !== "gone");
    if (failed !== undefined) return this.#finish({ reason: "failed", message: failed });
    const isGone = results.every((result) => result === "gone");
    this.#finish(
      isGone
        ? { reason: "container-gone", message: "there is no container to read from" }
        : { reason: "complete", message: "these were all lines" },
    );
  }

  /** "read", "gone" when there was nothing to read from, else a sentence about what failed. */
  async #readPlacement(placementId: string): Promise<string> {
    let result = "gone";
    let last: KnownContainer | undefined;
    while (!this.#abort.signal.aborted) {
      const container = this.#containerAfter(placementId, last);
      if (container !== undefined) {
        const failure = await this.#readContainer(placementId, container, last === undefined);
        if (failure !== undefined) return failure;
        result = "read";
        last = container;
      } else if (last === undefined && this.#addEvidence(placementId)) {
        result = "read";
      }
      if (!this.#request.follow || this.#isOver(placementId)) return result;
      if (this.#containerAfter(placementId, last) === undefined) await this.#change(placementId);
    }
    return result;
  }

  #containerAfter(placementId: string, last: KnownContainer | undefined): KnownContainer | undefined {
    const all = this.#parts.agent.table
      .all()
      .filter((container) => container.labels[LABEL.placement] === placementId && container.state !== "created");
    const newest = all.toSorted((one, other) => attemptOf(other) - attemptOf(one)).at(0);
    return newest !== undefined && (last === undefined || attemptOf(newest) > attemptOf(last)) ? newest : undefined;
  }

  #isOver(placementId: string): boolean {
    const record = this.#parts.agent.record(placementId);
    return record === undefined || record.current.phase === "stopped";
  }

  #change(placementId: string): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#changes.delete(placementId);
        this.#abort.signal.removeEventListener("abort", done);
        resolve();
      };
      this.#changes.set(placementId, done);
      this.#abort.signal.addEventListener("abort", done);
    });
  }

  /** Only the first container is asked for its past; one that comes later is told from its beginning. */
  async #readContainer(placementId: string, container: KnownContainer, isFirst: boolean): Promise<string | undefined> {
    const { follow, streams, tail, sinceMs } = this.#request;
    const query = { follow, streams, tail: isFirst ? tail : undefined, sinceMs: isFirst ? sinceMs : undefined, signal: this.#abort.signal };
    try {
      for await (const line of readWholeLog(this.#logParts(container.containerId), container.containerId, query)) {
        await this.#add({ placementId, attempt: attemptOf(container), ...line });
        if (this.#abort.signal.aborted) break;
      }
      return undefined;
    } catch (cause) {
      if (!(cause instanceof EngineFailure)) throw cause;
      return follow || this.#parts.agent.table.get(container.containerId) === undefined ? undefined : cause.failure.message;
    }
  }

  #logParts(containerId: string): WholeLogParts {
    const { engine, clock, agent } = this.#parts;
    return {
      engine,
      clock,
      isReachable: () => agent.engine === "reachable",
      state: () => {
        const container = agent.table.get(containerId);
        return container === undefined ? "gone" : container.state === "exited" || container.state === "dead" ? "ended" : "running";
      },
    };
  }

  /** Of the newest attempt that ended: its container is gone, its last lines are not. */
  #addEvidence(placementId: string): boolean {
    const exit = this.#parts.agent.record(placementId)?.exits.findLast((other) => other.cause !== "paused");
    if (exit === undefined) return false;
    const { streams, sinceMs = 0, tail = exit.lastLines.length } = this.#request;
    const lines = exit.lastLines.filter((line) => streams.includes(line.stream) && line.atMs >= sinceMs);
    for (const line of tail === 0 ? [] : lines.slice(-tail)) this.#put({ placementId, attempt: exit.attempt, ...line });
    return true;
  }

  async #add(line: LogLine): Promise<void> {
    while (this.#buffer.length >= MAX_BUFFERED_LINES && !this.#abort.signal.aborted) {
      if (line.atMs >= this.#openedAtMs) {
        this.#dropped += 1;
        return;
      }
      await new Promise<void>((resolve) => this.#room.push(resolve));
    }
    this.#put(line);
  }

  #put(line: LogLine): void {
    this.#buffer.push(line);
    this.#flush ??= this.#parts.clock.after(FLUSH_MS, () => {
      this.#flush = undefined;
      this.#sendChunk();
    });
  }

  #sendChunk(): void {
    let chars = 0;
    const tooFar = this.#buffer.findIndex((line, index) => {
      chars += line.text.length;
      return index >= MAX_CHUNK_LINES || (index > 0 && chars > MAX_CHUNK_CHARS);
    });
    const lines = this.#buffer.splice(0, tooFar === -1 ? this.#buffer.length : tooFar);
    const isLast = this.#buffer.length === 0;
    const chunk = { number: this.#number, lines, dropped: this.#dropped };
    this.#number += 1;
    this.#dropped = 0;
    this.#parts.publish(isLast && this.#end !== undefined ? { ...chunk, end: this.#end } : chunk);
    for (const resume of this.#room.splice(0)) resume();
    if (!isLast) {
      this.#flush = this.#parts.clock.after(FLUSH_MS, () => {
        this.#flush = undefined;
        this.#sendChunk();
      });
    }
  }

  #finish(end: End): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#life?.cancel();
    this.#abort.abort();
    if (end.reason === "closed") this.#buffer = [];
    this.#flush?.cancel();
    this.#sendChunk();
    this.#parts.ended();
  }
}
