import { z } from "zod";
import { MAX_BALANCED_PORTS, MAX_ROUTES } from "./contract.ts";

/** Classes of status codes, in the order in which they are counted. */
export const STATUS_CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;
export type StatusClass = (typeof STATUS_CLASSES)[number];

/** Up to where durations are told apart: from an answer out of memory to one that nobody waits for. */
export const DURATION_BOUNDS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

const Count = z.int().min(0);

/** What a node's proxy answered for one pool that speaks HTTP. Counters: they only grow, until they begin anew at zero. */
export const PoolCounts = z.strictObject({
  pool: z.string().min(1).max(400),
  /** In the order of STATUS_CLASSES. */
  answers: z.array(Count).length(STATUS_CLASSES.length),
  /** Answers that took no longer than each of DURATION_BOUNDS_SECONDS, and at the end all that were timed: connections that were upgraded and streams of events are not. */
  durations: z.array(Count).length(DURATION_BOUNDS_SECONDS.length + 1),
  durationSumSeconds: z.number().min(0),
});
export type PoolCounts = z.infer<typeof PoolCounts>;

/** A moment's counters of a node's proxy; of all its processes together while one hands over to another. Soft: never journalled, and the newest counts. At its largest still one message of the bus. */
export const IngressCounts = z.strictObject({
  /** up: the process that published ports lead to answered when it was asked. */
  proxy: z.enum(["up", "down"]),
  /** Of clients. */
  openConnections: Count,
  /** Those that were asked for anything. */
  pools: z.array(PoolCounts).max(MAX_BALANCED_PORTS + MAX_ROUTES),
});
export type IngressCounts = z.infer<typeof IngressCounts>;
