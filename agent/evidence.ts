import { EVIDENCE_LOG_LINES } from "../actors/node/observed-contract.ts";
import type { EvidenceLine } from "./agent-state.ts";
import { type Engine, EngineFailure } from "./engine/port.ts";

/** Characters of one line. */
const MAX_LINE_CHARS = 4_000;

/** What a dead container can still tell: its last lines, and whether the kernel killed in it. What cannot be had is left out: evidence never stands in the way. */
export async function collectEvidence(
  engine: Engine,
  containerId: string,
): Promise<{ readonly oom: boolean; readonly lines: readonly EvidenceLine[] }> {
  const [oom, lines] = await Promise.all([
    orElse(false, () => engine.outOfMemory(containerId)),
    orElse([], () => lastLines(engine, containerId)),
  ]);
  return { oom, lines };
}

async function lastLines(engine: Engine, containerId: string): Promise<readonly EvidenceLine[]> {
  const lines: EvidenceLine[] = [];
  const query = {
    follow: false,
    tail: EVIDENCE_LOG_LINES,
    sinceMs: undefined,
    streams: ["stdout", "stderr"] as const,
    signal: new AbortController().signal,
  };
  for await (const line of engine.logs(containerId, query)) {
    lines.push({ stream: line.stream, atMs: line.atMs, text: line.text.slice(0, MAX_LINE_CHARS) });
    if (lines.length > EVIDENCE_LOG_LINES) lines.shift();
  }
  return lines;
}

/** An engine that is away will be asked again; any other failure to tell is final. */
async function orElse<Value>(otherwise: Value, ask: () => Promise<Value>): Promise<Value> {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof EngineFailure) || cause.failure.code === "engine.unavailable") throw cause;
    return otherwise;
  }
}
