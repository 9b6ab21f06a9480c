/** The first restart is at once; the n-th after it waits min(LONGEST, FIRST x 2^n), less up to JITTER of itself. */
export const FIRST_DELAY_MS = 1_000;
export const LONGEST_DELAY_MS = 300_000;
const JITTER = 0.25;
/** Healthy for so long: earlier failures no longer count. */
export const HEALTHY_RESET_MS = 60_000;

/** Before the next attempt, milliseconds. `chance` is uniform in [0, 1). */
export function restartDelayMs(failuresInRow: number, chance: number): number {
  if (failuresInRow === 0) return 0;
  return repeatDelayMs(failuresInRow - 1, LONGEST_DELAY_MS, chance);
}

/** After an attempt that never ran: there is no reason to hope that the same works at once. */
export function startRetryDelayMs(failuresInRow: number, chance: number): number {
  return repeatDelayMs(failuresInRow, LONGEST_DELAY_MS, chance);
}

/** The n-th repetition (from 0) of anything that failed. */
export function repeatDelayMs(repetition: number, longestMs: number, chance: number): number {
  return Math.round(Math.min(longestMs, FIRST_DELAY_MS * 2 ** Math.min(repetition, 30)) * (1 - JITTER * chance));
}
