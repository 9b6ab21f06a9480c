import type { PlacementEvent, PlacementRecord } from "./agent-state.ts";
import type { EngineEvent } from "./engine/port.ts";

/** How long Docker takes at most to stop its containers before it ends (its default `shutdown-timeout`). */
const ENGINE_SHUTDOWN_MS = 15_000;

/** How an attempt ended becomes clear only after it ended: the engine says `die` first, and then `stop` or `destroy`. */
export function causeToldAfterwards(
  record: PlacementRecord,
  { action, containerId }: Extract<EngineEvent, { kind: "container" }>,
): PlacementEvent | undefined {
  if (action !== "stop" && action !== "destroy") return undefined;
  const exit = record.exits.find((other) => other.containerId === containerId && other.cause !== "paused");
  if (exit?.evidence !== "open" || (exit.cause !== "killed" && exit.cause !== "exited")) return undefined;
  return { kind: "cause-learned", containerId, cause: action === "stop" ? "stopped" : "removed" };
}

/** An engine that goes down takes its containers along: what ended a moment before has that reason. Asked to end, it stops each as a person would. */
export function blamedOnEngine(record: PlacementRecord, nowMs: number): readonly PlacementEvent[] {
  const shutdownBeganMs = nowMs - ENGINE_SHUTDOWN_MS;
  return record.exits.flatMap(({ cause, containerId, evidence, atMs }) => {
    if (containerId === undefined) return [];
    const isOpen = evidence === "open" && (cause === "killed" || cause === "exited");
    const wasStopped = cause === "stopped" && atMs >= shutdownBeganMs;
    return isOpen || wasStopped ? [{ kind: "cause-learned" as const, containerId, cause: "lost" as const }] : [];
  });
}
