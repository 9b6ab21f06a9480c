import type { Clock } from "../runtime/clock.ts";
import { type Engine, EngineFailure, type EngineLogLine, type LogQuery } from "./engine/port.ts";

/** An engine that ends a reading while its container goes on is away, or about to be: it is asked again so often. */
const READ_ON_DELAY_MS = 500;

export interface WholeLogParts {
  readonly engine: Engine;
  readonly clock: Clock;
  isReachable(): boolean;
  /** As far as is known of the container. */
  state(): "running" | "ended" | "gone";
}

interface Position {
  readonly atMs: number;
  /** Lines of exactly that time. */
  readonly count: number;
}

/**
 * One container's log. An engine that restarts while its containers live on ends every reading: one that follows is begun again where it ended, until the
 * container has ended. Rejects with `EngineFailure` when there is nothing to be read.
 */
export async function* readWholeLog(parts: WholeLogParts, containerId: string, query: LogQuery): AsyncGenerator<EngineLogLine> {
  const { engine, clock } = parts;
  // Nothing of the past is wanted: what is written while the engine is away is not of the past.
  let position: Position | undefined = query.tail === 0 ? { atMs: clock.nowMs(), count: 0 } : undefined;
  for (let isFirst = true; ; isFirst = false) {
    const from = isFirst ? undefined : position;
    let repeated = 0;
    let wasCut = false;
    try {
      for await (const line of engine.logs(containerId, from === undefined ? query : { ...query, tail: undefined, sinceMs: from.atMs })) {
        if (line.atMs === from?.atMs && repeated < from.count) {
          repeated += 1;
          continue;
        }
        position = { atMs: line.atMs, count: line.atMs === position?.atMs ? position.count + 1 : 1 };
        yield line;
      }
    } catch (cause) {
      if (!(cause instanceof EngineFailure) || !query.follow || cause.failure.code !== "engine.unavailable") throw cause;
      wasCut = true;
    }
    if (!query.follow || query.signal.aborted || (!wasCut && parts.state() !== "running")) return;
    do await pause(clock, READ_ON_DELAY_MS, query.signal);
    while (!parts.isReachable() && !query.signal.aborted);
    if (query.signal.aborted || parts.state() === "gone") return;
  }
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.after(delayMs, done);
    signal.addEventListener("abort", done);
  });
}
