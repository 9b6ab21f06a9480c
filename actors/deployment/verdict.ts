import { CONFIRM_WITHIN_MS } from "../ingress/commands.ts";
import type { Failure } from "../node/observed-contract.ts";
import { completionOf } from "./completion.ts";
import type { PinnedTemplate } from "./contract.ts";
import { excuseOf } from "./excuses.ts";
import { contentOf, hasEnded, isActive, isAvailable, isMoving, templateOf } from "./replica.ts";
import { oneSentence } from "./sentence.ts";
import { awaitsIngress, sparingWords } from "./sparing.ts";
import type { SlotView } from "./slot-views.ts";
import type { DeploymentState, PastFailures, PlacementRecord } from "./state.ts";

/** A replica that ended so often before it was ever proved healthy fails its rollout: waiting out the deadline would teach nothing. */
export const MAX_FAILED_STARTS = 3;

/** Failures that follow the image and the command wherever they go. Others belong to a node, and another node is tried. */
const HOPELESS: ReadonlySet<Failure["code"]> = new Set([
  "image.not-found",
  "image.access-denied",
  "image.platform-mismatch",
  "command.not-found",
]);

/** By then the ingress has waited for its nodes, and answered. */
const UNCONFIRMED_MS = 2 * CONFIRM_WITHIN_MS;

export type Verdict =
  | { readonly kind: "in-progress"; readonly nextLookMs: number }
  /** With whom it does without, and why, in a sentence; undefined: nobody. */
  | { readonly kind: "succeeded"; readonly reason?: string | undefined }
  | { readonly kind: "failed"; readonly reason: string };

/** How the rollout stands. Pure: the same state at the same time has one verdict. */
export function verdictOf(state: DeploymentState, nowMs: number, views: readonly SlotView[]): Verdict {
  const { rollout } = state;
  if (rollout === undefined) return { kind: "succeeded" };
  if (state.mode !== "running") {
    return Object.keys(state.placements).length === 0
      ? { kind: "succeeded" }
      : deadline(rollout.deadlineAtMs, nowMs, "its replicas did not stop in time");
  }
  const completion = completionOf(state, nowMs, views);
  if (completion.kind === "complete") {
    const unconfirmedAtMs = rollout.startedAtMs + UNCONFIRMED_MS;
    if (awaitsIngress(rollout) && unconfirmedAtMs > nowMs) return { kind: "in-progress", nextLookMs: unconfirmedAtMs };
    return { kind: "succeeded", reason: wordsOf([...sparingWords(rollout), ...completion.excuses]) };
  }
  const given = endedBadly(state, views);
  if (given !== undefined) return { kind: "failed", reason: given };
  let nextLookMs = rollout.deadlineAtMs;
  if (completion.kind === "none-took-it") {
    const { placeDeadlineMs } = templateOf(state, contentOf(state, state.revision)).rollout;
    const why = oneSentence(`no node took it within ${inSeconds(placeDeadlineMs)}: ${completion.excuses.join("; ")}`);
    const none = deadline(rollout.startedAtMs + placeDeadlineMs, nowMs, why);
    if (none.kind !== "in-progress") return none;
    nextLookMs = Math.min(nextLookMs, none.nextLookMs);
  }
  const excused = new Set(views.filter((view) => excuseOf(state, view, nowMs) !== undefined).map(({ slot }) => slot.number));
  for (const placement of Object.values(state.placements)) {
    if (excused.has(placement.slot) || !isUnderTest(state, placement, nowMs)) continue;
    const limit = limitOf(placement, templateOf(state, placement.contentOf), rollout.startedAtMs);
    const failure =
      failureOf(placement, rollout.failedBefore?.[placement.placementId]) ??
      (limit !== undefined && limit.atMs <= nowMs ? `${placement.placementId}: ${limit.reason}` : undefined);
    if (failure !== undefined) return { kind: "failed", reason: oneSentence(failure) };
    if (limit !== undefined) nextLookMs = Math.min(nextLookMs, limit.atMs);
  }
  const whole = deadline(rollout.deadlineAtMs, nowMs, "it did not finish in time");
  return whole.kind === "failed" ? whole : { kind: "in-progress", nextLookMs };
}

function isReplacing(state: DeploymentState): boolean {
  return isMoving(state) && state.rollout?.spares !== true;
}

function wordsOf(findings: readonly string[]): string | undefined {
  return findings.length === 0 ? undefined : oneSentence(findings.join("; "));
}

function deadline(atMs: number, nowMs: number, reason: string): Verdict {
  return atMs <= nowMs ? { kind: "failed", reason } : { kind: "in-progress", nextLookMs: atMs };
}

/** A replica that is given up fails the rollout that brought its content. */
function endedBadly(state: DeploymentState, views: readonly SlotView[]): string | undefined {
  if (!isReplacing(state)) return undefined;
  const content = contentOf(state, state.revision);
  return views.find(({ slot }) => hasEnded(slot, content) && slot.ended?.outcome === "failed")?.slot.ended?.reason;
}

/** A change that replaces none is judged by the replicas it started, every other by all that run what it brings. */
function isUnderTest(state: DeploymentState, placement: PlacementRecord, nowMs: number): boolean {
  const slot = state.slots[placement.slot];
  if (slot === undefined || !isActive(placement) || isAvailable(state, placement, nowMs)) return false;
  if (!isReplacing(state)) return placement.requestedAtMs >= (state.rollout?.startedAtMs ?? 0);
  return slot.revision === state.revision && placement.contentOf === contentOf(state, state.revision);
}

/** What it failed at since the rollout began. */
function failureOf(placement: PlacementRecord, before: PastFailures | undefined): string | undefined {
  const { status } = placement;
  if (status?.failure === undefined) return undefined;
  if (status.failure.atMs === before?.atMs && status.restarts === before.restarts) return undefined;
  const isHopeless = status.failure.permanent && HOPELESS.has(status.failure.code);
  if (isHopeless) return `${placement.placementId}${nodeOf(placement)}: ${status.failure.message}`;
  const failedStarts = status.restarts - (before?.restarts ?? 0);
  if (failedStarts >= MAX_FAILED_STARTS && placement.healthySinceMs === undefined) {
    return `${placement.placementId}${nodeOf(placement)} failed ${failedStarts} times without staying healthy. Last: ${status.failure.message}`;
  }
  return undefined;
}

function nodeOf(placement: PlacementRecord): string {
  return placement.stage.stage === "assigned" ? ` on ${placement.stage.node}` : "";
}

interface Limit {
  readonly atMs: number;
  readonly reason: string;
}

/** The deadline of the phase a placement is in. A rollout that takes over a placement, as a rollback does, gives it its time anew. */
function limitOf(placement: PlacementRecord, template: PinnedTemplate, startedAtMs: number): Limit | undefined {
  const { rollout } = template;
  const since = Math.max(placement.stage.sinceMs, startedAtMs);
  switch (placement.stage.stage) {
    case "requested":
      return { atMs: since + rollout.placeDeadlineMs, reason: `no node was chosen within ${inSeconds(rollout.placeDeadlineMs)}` };
    case "pending": {
      const why = placement.stage.rejections.map((rejection) => rejection.reason).join("; ");
      return {
        atMs: since + rollout.placeDeadlineMs,
        reason: `no node could take it within ${inSeconds(rollout.placeDeadlineMs)}: ${why}`,
      };
    }
    case "assigned":
      return phaseLimit(placement, template, startedAtMs);
  }
}

function phaseLimit(placement: PlacementRecord, { rollout }: PinnedTemplate, startedAtMs: number): Limit | undefined {
  const since = Math.max(placement.phaseSinceMs, startedAtMs);
  const phase = placement.status?.current.phase ?? "accepted";
  switch (phase) {
    case "pulling":
      return { atMs: since + rollout.pullDeadlineMs, reason: `its image was not pulled within ${inSeconds(rollout.pullDeadlineMs)}` };
    case "accepted":
    case "starting":
      return {
        atMs: since + rollout.startDeadlineMs,
        reason: `it did not start within ${inSeconds(rollout.startDeadlineMs)}${nodeOf(placement)}`,
      };
    case "running":
      if (placement.healthySinceMs !== undefined) return undefined;
      return {
        atMs: since + rollout.healthyDeadlineMs,
        reason: `it was not healthy within ${inSeconds(rollout.healthyDeadlineMs)}${healthOutput(placement)}`,
      };
    case "ended":
      return undefined;
    case "backing-off":
    case "draining":
    case "stopped":
      return { atMs: since + rollout.healthyDeadlineMs, reason: `it was not healthy within ${inSeconds(rollout.healthyDeadlineMs)}` };
  }
}

function healthOutput(placement: PlacementRecord): string {
  const current = placement.status?.current;
  return current?.phase === "running" && current.healthOutput !== undefined ? `: ${current.healthOutput}` : "";
}

function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
