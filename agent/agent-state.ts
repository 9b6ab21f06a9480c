import { z } from "zod";
import {
  AttemptPhase,
  Endpoint,
  EVIDENCE_LOG_LINES,
  ExitEvidence,
  Failure,
  type PlacementStatus,
} from "../actors/node/observed-contract.ts";

/** Ended attempts whose evidence is kept on the node, per placement; the oldest is forgotten first. The status carries the newest. */
export const KEPT_EXITS = 5;
/** Characters of log text in one exit's evidence; older lines are dropped first. Keeps the status of a node far below the bus' largest message. */
export const EVIDENCE_TEXT_CHARS = 16_000;
/** How far a sequence jumps when the agent starts again: more than it can have grown since its record was last written. */
export const SEQUENCE_RESERVE = 1_000;

/** Of a command before the stop. */
const MAX_PROBLEM_CHARS = 1_000;

export type ExitCause = ExitEvidence["cause"];
export type EvidenceLine = ExitEvidence["lastLines"][number];
/** Why a running attempt is being ended by us. */
export type DrainReason = "requested" | "unhealthy" | "changed";

/** What the agent knows of one placement; kept on disk, so that attempt numbers and evidence outlive the agent. */
export const PlacementRecord = z.strictObject({
  placementId: z.string(),
  deployment: z.string(),
  slot: z.int(),
  sequence: z.int().min(1),
  attempt: z.int().min(1),
  current: AttemptPhase,
  drainReason: z.enum(["requested", "unhealthy", "changed"]).optional(),
  restarts: z.int().min(0),
  /** Ended attempts in a row, none of which was healthy for long: the exponent of the back-off. */
  failuresInRow: z.int().min(0),
  failure: Failure.optional(),
  /** What went wrong before the stop signal of the drain under way. */
  preStopProblem: z.string().optional(),
  /** Of this attempt's last failed probe. */
  probeOutput: z.string().optional(),
  /** Oldest first. `open`: the container may still give its last lines. */
  exits: z.array(ExitEvidence.extend({ containerId: z.string().optional(), evidence: z.enum(["open", "complete"]) })).readonly(),
  /** Where ingress nodes reach it, from its first attempt on. */
  endpoints: z.array(Endpoint).readonly().optional(),
  /** How to stop it once its placement is no longer known. */
  stopSignal: z.string(),
  stopGraceMs: z.int().min(0),
  observedAtMs: z.number(),
});
export type PlacementRecord = Readonly<z.infer<typeof PlacementRecord>>;
export type KeptExit = PlacementRecord["exits"][number];
type Health = Extract<AttemptPhase, { phase: "running" }>["health"];

/** What happened to a placement on this node. Facts: evolving with them cannot fail. */
export type PlacementEvent =
  /** A container of a later attempt than remembered: the agent went down before it could write that down. */
  | { readonly kind: "attempt-seen"; readonly attempt: number }
  | { readonly kind: "endpoints-chosen"; readonly endpoints: readonly Endpoint[] }
  | { readonly kind: "pull-began" }
  | { readonly kind: "pull-progressed"; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly kind: "image-ready" }
  | { readonly kind: "started"; readonly containerId: string; readonly startedAtMs: number; readonly checked: boolean }
  | { readonly kind: "health-changed"; readonly health: Health; readonly output: string }
  /** Healthy for so long that earlier failures no longer count. */
  | { readonly kind: "proven" }
  /** Paused behind our back; goes on in the same attempt. */
  | { readonly kind: "interrupted" }
  | { readonly kind: "pre-stop-failed"; readonly message: string }
  | { readonly kind: "drain-began"; readonly reason: DrainReason; readonly containerId: string }
  | {
      readonly kind: "ended";
      readonly containerId: string | undefined;
      readonly cause: ExitCause;
      readonly exitCode: number | undefined;
      readonly failure: Omit<Failure, "atMs">;
      readonly next: NextAttempt;
    }
  | { readonly kind: "retry-due" }
  | { readonly kind: "cause-learned"; readonly containerId: string; readonly cause: ExitCause }
  | { readonly kind: "evidence-collected"; readonly containerId: string; readonly oom: boolean; readonly lines: readonly EvidenceLine[] }
  | { readonly kind: "settled" }
  | { readonly kind: "revived" };

/** After an attempt's end: the next one, after a delay (milliseconds, 0 is at once), or none. */
export type NextAttempt =
  | { readonly kind: "again"; readonly delayMs: number }
  | { readonly kind: "never" }
  | { readonly kind: "ended"; readonly outcome: "succeeded" | "failed" };

export function newRecord(placement: {
  readonly placementId: string;
  readonly deployment: string;
  readonly slot: number;
  readonly attempt: number;
  readonly stopSignal: string;
  readonly stopGraceMs: number;
  /** The greatest of placements that were forgotten: one that comes back goes on above it. */
  readonly forgottenSequence: number;
  readonly atMs: number;
}): PlacementRecord {
  const { atMs, forgottenSequence, ...identity } = placement;
  // From the clock: also after the loss of its disk the agent goes on above whatever it has told before.
  const sequence = Math.max(1, forgottenSequence + 1, Math.floor(atMs));
  return { ...identity, sequence, current: { phase: "accepted" }, restarts: 0, failuresInRow: 0, exits: [], observedAtMs: atMs };
}

/** The record after an event; the same object when nothing changed, and a greater sequence when something did. */
export function evolve(record: PlacementRecord, event: PlacementEvent, atMs: number): PlacementRecord {
  const next = applied(record, event, atMs);
  return next === record ? record : { ...next, sequence: record.sequence + 1, observedAtMs: atMs };
}

function applied(record: PlacementRecord, event: PlacementEvent, atMs: number): PlacementRecord {
  switch (event.kind) {
    case "attempt-seen":
      return attemptSeen(record, event.attempt);
    case "endpoints-chosen":
      return isSame(record.endpoints ?? [], event.endpoints) ? record : { ...record, endpoints: event.endpoints };
    case "pull-began":
      return { ...record, current: { phase: "pulling" } };
    case "pull-progressed":
      if (record.current.phase !== "pulling") return record;
      return { ...record, current: { phase: "pulling", doneBytes: event.doneBytes, totalBytes: event.totalBytes } };
    case "image-ready":
      return record.current.phase === "starting" ? record : { ...record, current: { phase: "starting" } };
    case "started":
      return begun(record, event, atMs);
    case "health-changed":
      return healthChanged(record, event, atMs);
    case "proven":
      return record.failuresInRow === 0 ? record : { ...record, failuresInRow: 0 };
    case "interrupted":
      return interrupted(record, atMs);
    case "drain-began":
      return { ...record, current: { phase: "draining", containerId: event.containerId }, drainReason: event.reason };
    case "pre-stop-failed":
      return { ...record, preStopProblem: event.message.slice(0, MAX_PROBLEM_CHARS) };
    case "ended":
      return ended(record, event, atMs);
    case "retry-due":
      return record.current.phase === "backing-off" ? nextAttempt(record) : record;
    case "cause-learned":
      return reworded(record, event.containerId, (exit) => ({
        ...exit,
        cause: event.cause,
        message: exitMessage(event.cause, exit.exitCode),
      }));
    case "evidence-collected":
      return reworded(record, event.containerId, (exit) => collected(exit, event));
    case "settled":
      return record.current.phase === "stopped" ? record : { ...withoutDrain(record), current: { phase: "stopped" } };
    case "revived":
      return nextAttempt({ ...record, failuresInRow: 0 });
    default:
      return event satisfies never;
  }
}

function isSame(one: readonly Endpoint[], other: readonly Endpoint[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function attemptSeen(record: PlacementRecord, attempt: number): PlacementRecord {
  if (attempt <= record.attempt) return record;
  return { ...withoutDrain(record), attempt, restarts: record.restarts + attempt - record.attempt, current: { phase: "accepted" } };
}

function begun(record: PlacementRecord, event: Extract<PlacementEvent, { kind: "started" }>, atMs: number): PlacementRecord {
  const { current } = record;
  if (current.phase === "running" && current.containerId === event.containerId) return record;
  const health: Health = event.checked ? "proving" : "healthy";
  const { failure, ...rest } = record;
  const running = {
    phase: "running" as const,
    containerId: event.containerId,
    startedAtMs: event.startedAtMs,
    health,
    healthSinceMs: atMs,
  };
  return { ...rest, ...(event.checked && failure !== undefined ? { failure } : {}), current: running };
}

function healthChanged(record: PlacementRecord, event: Extract<PlacementEvent, { kind: "health-changed" }>, atMs: number): PlacementRecord {
  if (record.current.phase !== "running") return record;
  const { healthOutput, ...running } = record.current;
  if (running.health === event.health && (healthOutput ?? "") === event.output) return record;
  const output = event.output === "" ? {} : { healthOutput: event.output };
  const current = {
    ...running,
    ...output,
    health: event.health,
    healthSinceMs: running.health === event.health ? running.healthSinceMs : atMs,
  };
  if (event.health !== "healthy") return { ...record, current, ...(event.output === "" ? {} : { probeOutput: event.output }) };
  const { failure: _gone, ...rest } = record;
  return { ...rest, current };
}

function interrupted(record: PlacementRecord, atMs: number): PlacementRecord {
  if (record.current.phase !== "running") return record;
  const { containerId, startedAtMs } = record.current;
  const exit: KeptExit = {
    attempt: record.attempt,
    cause: "paused",
    message: exitMessage("paused", undefined),
    startedAtMs,
    atMs,
    lastLines: [],
    containerId,
    evidence: "complete",
  };
  return { ...record, restarts: record.restarts + 1, exits: [...record.exits, exit].slice(-KEPT_EXITS) };
}

function ended(record: PlacementRecord, event: Extract<PlacementEvent, { kind: "ended" }>, atMs: number): PlacementRecord {
  const { current } = record;
  const exit: KeptExit = {
    attempt: record.attempt,
    cause: event.cause,
    message: record.preStopProblem === undefined ? event.failure.message : `${event.failure.message}; ${record.preStopProblem}`,
    atMs,
    lastLines: [],
    evidence: event.containerId === undefined ? "complete" : "open",
    ...(event.exitCode === undefined ? {} : { exitCode: event.exitCode }),
    ...(event.containerId === undefined ? {} : { containerId: event.containerId }),
    ...(current.phase === "running" ? { startedAtMs: current.startedAtMs } : {}),
    ...(record.probeOutput === undefined ? {} : { healthOutput: record.probeOutput }),
  };
  const exits = [...record.exits, exit].slice(-KEPT_EXITS);
  const asked = event.cause === "requested";
  if (event.next.kind === "ended" && event.next.outcome === "succeeded") {
    const { failure: _overcome, ...rest } = withoutDrain({ ...record, exits });
    return { ...rest, current: { phase: "ended", outcome: "succeeded" } };
  }
  const { endpoints, ...rest } = record;
  // Something else holds one of them: the next attempt gets others.
  const kept = event.failure.code === "port.taken" || endpoints === undefined ? {} : { endpoints };
  const base = withoutDrain({ ...rest, ...kept, exits, restarts: record.restarts + (asked ? 0 : 1) });
  const failed = asked ? base : { ...base, failure: { ...event.failure, atMs } };
  if (event.next.kind === "never") return { ...failed, current: { phase: "stopped" } };
  if (event.next.kind === "ended") return { ...failed, current: { phase: "ended", outcome: event.next.outcome } };
  const tried = { ...failed, failuresInRow: asked || event.cause === "lost" ? failed.failuresInRow : failed.failuresInRow + 1 };
  if (event.next.delayMs <= 0) return nextAttempt(tried);
  return { ...tried, current: { phase: "backing-off", nextAttemptAtMs: atMs + event.next.delayMs } };
}

function nextAttempt(record: PlacementRecord): PlacementRecord {
  const { probeOutput: _old, ...rest } = withoutDrain(record);
  return { ...rest, attempt: record.attempt + 1, current: { phase: "accepted" } };
}

function withoutDrain(record: PlacementRecord): PlacementRecord {
  const { drainReason: _over, preStopProblem: _told, ...rest } = record;
  return rest;
}

function reworded(record: PlacementRecord, containerId: string, change: (exit: KeptExit) => KeptExit): PlacementRecord {
  const index = record.exits.findLastIndex((exit) => exit.containerId === containerId && exit.cause !== "paused");
  const exit = record.exits[index];
  if (exit === undefined) return record;
  const changed = change(exit);
  const isNewest = index === record.exits.length - 1;
  const failure = isNewest && record.failure?.code === "exited" ? { ...record.failure, message: changed.message } : record.failure;
  return { ...record, exits: record.exits.with(index, changed), ...(failure === undefined ? {} : { failure }) };
}

function collected(exit: KeptExit, event: Extract<PlacementEvent, { kind: "evidence-collected" }>): KeptExit {
  const byKernel = event.oom && (exit.cause === "killed" || exit.cause === "exited");
  const cause = byKernel ? "oom" : exit.cause;
  const message = byKernel ? exitMessage("oom", exit.exitCode) : exit.message;
  return { ...exit, cause, message, lastLines: newestLines(event.lines), evidence: "complete" };
}

function newestLines(lines: readonly EvidenceLine[]): EvidenceLine[] {
  const kept: EvidenceLine[] = [];
  let chars = 0;
  for (const line of lines.slice(-EVIDENCE_LOG_LINES).reverse()) {
    chars += line.text.length;
    if (chars > EVIDENCE_TEXT_CHARS) break;
    kept.push(line);
  }
  return kept.reverse();
}

/** An attempt's end in one sentence. */
export function exitMessage(cause: ExitCause, exitCode: number | undefined): string {
  const code = exitCode === undefined ? "" : ` (exit code ${exitCode})`;
  switch (cause) {
    case "exited":
      return `the process ended by itself${code}`;
    case "killed":
      return `the process was killed by a signal that was not ours${code}`;
    case "oom":
      return `the kernel killed the process because the container reached its memory limit${code}: raise the limit or use less`;
    case "stopped":
      return `the container was stopped by somebody else${code}`;
    case "removed":
      return "the container was removed by somebody else";
    case "paused":
      return "the container was paused by somebody else and is unpaused";
    case "unhealthy":
      return "the health check failed too often";
    case "requested":
      return `stopped as asked${code}`;
    case "start-failed":
      return "the container could not be started";
    case "changed":
      return "the container was changed by somebody else and is replaced";
    case "lost":
      return `the container ended with a restart of the engine${code}`;
    default:
      return cause satisfies never;
  }
}

/** What the control plane is told. */
export function statusOf(record: PlacementRecord): PlacementStatus {
  const exit = record.exits.at(-1);
  return {
    placementId: record.placementId,
    deployment: record.deployment,
    sequence: record.sequence,
    attempt: record.attempt,
    current: record.current.phase === "running" ? { ...record.current, ...endpointsIn(record) } : record.current,
    restarts: record.restarts,
    ...(record.failure === undefined ? {} : { failure: record.failure }),
    ...(exit === undefined ? {} : { lastExit: evidenceOf(exit) }),
    observedAtMs: record.observedAtMs,
  };
}

function endpointsIn({ endpoints }: PlacementRecord): { readonly endpoints?: Endpoint[] } {
  return endpoints === undefined || endpoints.length === 0 ? {} : { endpoints: [...endpoints] };
}

function evidenceOf(exit: KeptExit): ExitEvidence {
  const { containerId: _id, evidence: _open, ...evidence } = exit;
  return evidence;
}
