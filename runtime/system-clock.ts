import type { Clock, Timer } from "./clock.ts";

/** Node fires a longer one at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** The machine's time. Its timers keep no process alive by themselves. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs: number, call: () => void): Timer {
    const dueMs = performance.now() + delayMs;
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const leftMs = Math.ceil(dueMs - performance.now());
      handle = setTimeout(leftMs > LONGEST_TIMEOUT_MS ? arm : call, Math.max(0, Math.min(leftMs, LONGEST_TIMEOUT_MS)));
      handle.unref();
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
};
