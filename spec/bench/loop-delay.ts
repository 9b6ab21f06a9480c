import { monitorEventLoopDelay } from "node:perf_hooks";

/** Loaded before a program that is measured: answers each message with how long its loop was kept from a turn since the last one, and its memory. */
export interface LoopDelay {
  readonly longestMs: number;
  readonly p99Ms: number;
  readonly residentBytes: number;
}

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on("message", () => {
  const answer: LoopDelay = {
    longestMs: delay.max / 1e6,
    p99Ms: delay.percentile(99) / 1e6,
    residentBytes: process.memoryUsage().rss,
  };
  delay.reset();
  process.send?.(answer);
});
// Only whoever asks keeps the channel open.
process.channel?.unref();
