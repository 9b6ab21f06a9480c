import { nextBatchAtMs } from "./batches.ts";
import { availableAtMs, leavesUntilMs } from "./replica.ts";
import { slotViews } from "./slot-views.ts";
import type { DeploymentState } from "./state.ts";
import { verdictOf } from "./verdict.ts";

/** The earliest time after `nowMs` at which `advance` might do something without being told anything. */
export function nextStepMs(state: DeploymentState, nowMs: number): number | undefined {
  if (state.mode === "absent") return undefined;
  const times: number[] = [];
  const views = slotViews(state);
  if (state.rollout?.outcome === "in-progress") {
    const verdict = verdictOf(state, nowMs, views);
    if (verdict.kind === "in-progress") times.push(verdict.nextLookMs);
  }
  times.push(nextBatchAtMs(state, views) ?? Infinity);
  for (const placement of Object.values(state.placements)) times.push(leavesUntilMs(state, placement) ?? Infinity);
  for (const { slot, good, old } of views) {
    times.push(slot.notBeforeMs);
    for (const placement of [...good, ...old]) times.push(availableAtMs(state, placement) ?? Infinity);
  }
  const next = Math.min(...times.filter((atMs) => atMs > nowMs));
  return Number.isFinite(next) ? next : undefined;
}
