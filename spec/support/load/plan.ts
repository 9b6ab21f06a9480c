import { z } from "zod";

/** What a lane asks, in turn, again and again. */
const Ask = z.strictObject({
  method: z.enum(["GET", "POST"]),
  path: z.string().startsWith("/"),
  /** Of a POST. */
  bodyBytes: z.int().min(0).default(0),
  /** Longer without the whole answer is a failure. */
  timeoutMs: z.int().min(1).default(15_000),
});

const Lane = z.strictObject({
  keepAlive: z.boolean(),
  asks: z.array(Ask).min(1),
});

/** A load: lanes that each send one request after the other, to one target after the other, until told to end. */
export const LoadPlan = z.strictObject({
  /** `http://10.1.0.11:8080`. A lane that keeps its connection stays with one of them. */
  targets: z.array(z.url()).min(1),
  /** Sent as `host`; absent: the target's own. */
  host: z.string().optional(),
  lanes: z.array(Lane).min(1).max(256),
  /** Between two requests of a lane. */
  pauseMs: z.int().min(0).default(0),
});
export type LoadPlan = z.infer<typeof LoadPlan>;
export type LoadPlanInput = z.input<typeof LoadPlan>;
export type Ask = z.infer<typeof Ask>;

/** A request without its whole, good answer. */
export interface LoadFailure {
  /** Wall clock at the failure. */
  readonly atMs: number;
  readonly method: string;
  readonly url: string;
  readonly keepAlive: boolean;
  /** `503`, `ECONNRESET`, `timeout`, ... */
  readonly kind: string;
  readonly afterMs: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly failures: readonly LoadFailure[];
  readonly durationMs: number;
  /** Of good answers, milliseconds; NaN without any. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}
