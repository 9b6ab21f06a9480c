import type { HealthCheck } from "../actors/deployment/contract.ts";

/** Until the first verdict a probe is repeated faster than its interval, so that a healthy container is known soon. Grows by this much each time, */
const PROVING_STEP_MS = { request: 50, command: 250 };
/** up to this. A command costs a process in the container. */
const PROVING_LONGEST_MS = { request: 250, command: 1_000 };

type Health = "proving" | "healthy" | "unhealthy";

/** What the probes of one attempt have shown so far. */
export interface ProbeState {
  readonly health: Health;
  readonly probes: number;
  /** In a row. */
  readonly successes: number;
  readonly failures: number;
  /** A success ends the start period. */
  readonly succeededOnce: boolean;
  /** Since the start: when a failure last counted. */
  readonly countedAtMs: number;
}

export interface ProbeResult {
  readonly healthy: boolean;
  /** Since the attempt's start. */
  readonly atMs: number;
}

export function newProbeState(health: Health): ProbeState {
  return { health, probes: 0, successes: 0, failures: 0, succeededOnce: health === "healthy", countedAtMs: 0 };
}

/** Failures in the start period do not count, and of the quick ones before the first success one per interval does: retries mean what the person was told. */
export function afterProbe(state: ProbeState, result: ProbeResult, check: HealthCheck): ProbeState {
  const probes = state.probes + 1;
  if (result.healthy) {
    const successes = state.successes + 1;
    const health = successes >= check.successes || state.health === "healthy" ? "healthy" : state.health;
    return { ...state, probes, successes, failures: 0, succeededOnce: true, health };
  }
  if (!counts(state, result.atMs, check)) return { ...state, probes, successes: 0 };
  const failures = state.failures + 1;
  return {
    ...state,
    probes,
    successes: 0,
    failures,
    countedAtMs: result.atMs,
    health: failures >= check.retries ? "unhealthy" : state.health,
  };
}

function counts(state: ProbeState, atMs: number, check: HealthCheck): boolean {
  if (state.health === "healthy") return true;
  if (!state.succeededOnce && atMs < check.startPeriodMs) return false;
  return atMs - Math.max(state.countedAtMs, state.succeededOnce ? 0 : check.startPeriodMs) >= check.intervalMs;
}

/** From the end of one probe to the beginning of the next. */
export function nextProbeDelayMs(state: ProbeState, check: HealthCheck): number {
  if (state.health !== "proving") return check.intervalMs;
  const cost = check.kind === "command" ? "command" : "request";
  return Math.min(check.intervalMs, PROVING_LONGEST_MS[cost], PROVING_STEP_MS[cost] * Math.max(1, state.probes));
}
