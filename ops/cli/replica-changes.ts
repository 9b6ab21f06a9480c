import type { ContainerView } from "../../actors/views.ts";
import { bySlot, whyOf } from "./replica-lines.ts";

/** What a log of the wait says: one line for each replica that is not as it was. */
export function changesBetween(before: readonly ContainerView[], after: readonly ContainerView[], nowMs: number): readonly string[] {
  const known = new Map(before.map((item) => [item.id, item]));
  const gone = new Set(known.keys());
  const lines: string[] = [];
  for (const item of bySlot(after)) {
    gone.delete(item.id);
    const earlier = known.get(item.id);
    // What is kept of an attempt may grow without a word of it being new here.
    const line = lineOf(item, nowMs);
    if (stateOf(earlier) !== stateOf(item) && (earlier === undefined || lineOf(earlier, nowMs) !== line)) lines.push(line);
  }
  for (const item of before) if (gone.has(item.id) && item.phase !== "stopped") lines.push(`${titleOf(item)}: gone`);
  return lines;
}

/** What a new line is worth; pull progress and ages are not. */
function stateOf(item: ContainerView | undefined): string {
  return item === undefined
    ? ""
    : [item.node, item.phase, item.health, item.attempt, item.failure?.message, item.phase === "pulling" ? "" : item.reason].join("|");
}

function lineOf(item: ContainerView, nowMs: number): string {
  const health = item.phase === "running" && item.health !== "none" ? `, ${item.health}` : "";
  const attempt = item.attempt > 1 ? ` (attempt ${item.attempt})` : "";
  const why = whyOf(item, nowMs);
  return `${titleOf(item)}: ${item.phase}${health}${attempt}${why === "" ? "" : `: ${why}`}`;
}

function titleOf(item: ContainerView): string {
  return `${item.deployment} slot ${item.slot} revision ${item.revision}${item.node === undefined ? "" : ` on ${item.node}`}`;
}
