import { z } from "zod";

const MAX_ATTEMPTS = 1_000;
const MAX_DELAY_MS = 300_000;
const MAX_WINDOW_MS = 3_600_000;

/** What becomes of a replica whose process has ended. */
export const RestartPolicy = z.strictObject({
  /** any: it runs again, however it ended. on-failure: unless it ended with exit code 0. none: never. */
  condition: z.enum(["any", "on-failure", "none"]).default("any"),
  /** So many attempts after the first, none of which lasted, then it is given up. Absent: never given up, the pauses grow. */
  maxAttempts: z.int().min(0).max(MAX_ATTEMPTS).optional(),
  /** The shortest pause before another attempt. Absent: the first is at once, then the pauses grow. */
  delayMs: z.int().min(0).max(MAX_DELAY_MS).optional(),
  /** Healthy for so long: earlier failures no longer count. Absent: a minute. */
  windowMs: z.int().min(0).max(MAX_WINDOW_MS).optional(),
});
export type RestartPolicy = z.infer<typeof RestartPolicy>;

export const lifecycleFields = {
  /** service: it is meant to run on. job: it is meant to end with exit code 0, and the rollout waits for that. */
  run: z.enum(["service", "job"]).default("service"),
  restart: RestartPolicy.prefault({}),
} as const;

export type Lifecycle = { readonly [Field in keyof typeof lifecycleFields]: z.infer<(typeof lifecycleFields)[Field]> };

/** What follows on the end of a process. `failuresInRow` are those before this one. */
export function afterEnd(
  { run, restart }: Lifecycle,
  exitCode: number | undefined,
  failuresInRow: number,
): "again" | "succeeded" | "failed" {
  const { condition, maxAttempts } = restart;
  if (exitCode === 0 && (run === "job" || condition !== "any")) return "succeeded";
  if (condition === "none") return "failed";
  return maxAttempts !== undefined && failuresInRow >= maxAttempts ? "failed" : "again";
}
