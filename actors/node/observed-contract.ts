import { z } from "zod";
import { NodeAllowance } from "./allowance-contract.ts";

/** What an agent sees of its node and what runs on it. */

export const EVIDENCE_LOG_LINES = 50;

/** Why something did not work, in words. `permanent` means: the same attempt on this node fails again. */
export const Failure = z.strictObject({
  code: z.enum([
    "image.not-found",
    "image.access-denied",
    "image.registry-unavailable",
    "image.platform-mismatch",
    "disk.full",
    "command.not-found",
    "port.taken",
    "resources.rejected",
    "node.not-allowed",
    "hook.failed",
    "volume.missing",
    "network.missing",
    "file.unavailable",
    "file.unplaced",
    "engine.unavailable",
    "engine.error",
    "exited",
    "unhealthy",
  ]),
  /** One sentence: what, where, what to do. */
  message: z.string().max(2_000),
  permanent: z.boolean(),
  /** Agent's wall clock. */
  atMs: z.number(),
});
export type Failure = z.infer<typeof Failure>;

/** What is known of an attempt that ended. Outlives its container. */
export const ExitEvidence = z.strictObject({
  attempt: z.int().min(1),
  exitCode: z.int().optional(),
  /** exited: by itself. killed: by a signal that was not ours. oom: by the kernel. stopped, removed: behind our back. unhealthy: by us, for its probe. requested: by us, as asked. start-failed: never ran. changed: edited by hand, hence replaced. lost: gone with an engine restart. */
  cause: z.enum(["exited", "killed", "oom", "stopped", "removed", "paused", "unhealthy", "requested", "start-failed", "changed", "lost"]),
  message: z.string().max(2_000),
  startedAtMs: z.number().optional(),
  atMs: z.number(),
  /** The last lines of stdout and stderr, oldest first. */
  lastLines: z
    .array(z.strictObject({ stream: z.enum(["stdout", "stderr"]), atMs: z.number(), text: z.string().max(4_000) }))
    .max(EVIDENCE_LOG_LINES),
  /** Output of the last failed probe. */
  healthOutput: z.string().max(4_000).optional(),
});
export type ExitEvidence = z.infer<typeof ExitEvidence>;

/** Where ingress nodes reach one container port of a replica: on its node's address. The same for all attempts of a placement. */
export const Endpoint = z.strictObject({ containerPort: z.int(), protocol: z.enum(["tcp", "udp"]), port: z.int().min(1).max(65_535) });
export type Endpoint = z.infer<typeof Endpoint>;

/** Observed: an attempt only moves forward through these; the next attempt begins at `pulling` again. */
export const AttemptPhase = z.discriminatedUnion("phase", [
  z.strictObject({ phase: z.literal("accepted") }),
  /** Progress is soft: bytes so far, and of how many, where the registry says. */
  z.strictObject({ phase: z.literal("pulling"), doneBytes: z.number().optional(), totalBytes: z.number().optional() }),
  z.strictObject({ phase: z.literal("starting") }),
  z.strictObject({
    phase: z.literal("running"),
    containerId: z.string(),
    startedAtMs: z.number(),
    /** proving: no verdict yet. Without a health check a running container is healthy. */
    health: z.enum(["proving", "healthy", "unhealthy"]),
    healthSinceMs: z.number(),
    healthOutput: z.string().max(4_000).optional(),
    /** One for every container port that a balanced port or a route leads to; absent: none does. */
    endpoints: z.array(Endpoint).max(200).optional(),
  }),
  /** Between two attempts. */
  z.strictObject({ phase: z.literal("backing-off"), nextAttemptAtMs: z.number() }),
  /** Its process ended, and its restart policy wants no other attempt. */
  z.strictObject({ phase: z.literal("ended"), outcome: z.enum(["succeeded", "failed"]) }),
  z.strictObject({ phase: z.literal("draining"), containerId: z.string().optional() }),
  /** As asked; the container is gone or about to be. Final. */
  z.strictObject({ phase: z.literal("stopped") }),
]);
export type AttemptPhase = z.infer<typeof AttemptPhase>;

export const PlacementStatus = z.strictObject({
  placementId: z.string(),
  deployment: z.string(),
  /** Grows by one with every change of this placement's status, also across restarts of the agent: the greater is the newer. */
  sequence: z.int().min(1),
  attempt: z.int().min(1),
  current: AttemptPhase,
  /** Ended attempts in this placement that were not asked for. */
  restarts: z.int().min(0),
  /** Why the current or last attempt failed; absent once it is healthy again. */
  failure: Failure.optional(),
  lastExit: ExitEvidence.optional(),
  /** Agent's wall clock. */
  observedAtMs: z.number(),
});
export type PlacementStatus = z.infer<typeof PlacementStatus>;

/** As long as the engine has not said what the machine is: its processors and memory are not known either. */
export const UNKNOWN_ENGINE_VERSION = "unknown";

export const NodeFacts = z.strictObject({
  hostname: z.string().max(253),
  agentVersion: z.string().max(50),
  engineVersion: z.string().max(50),
  os: z.string().max(30),
  /** In the engine's terms: `amd64`, `arm64`. */
  arch: z.string().max(30),
  cpuMillis: z.int().min(0),
  memoryBytes: z.int().min(0),
  diskBytes: z.int().min(0),
  labels: z.record(z.string(), z.string()),
  /** Where other machines reach published ports. */
  address: z.string().max(253),
  /** Why the node is below what is supported: each one sentence. */
  degraded: z.array(z.string().max(500)).max(20),
  /** What containers may have of the node. Absent: nothing. */
  allows: NodeAllowance.optional(),
  /** Why the agent does not use the engine, which it then tells as unreachable: one clause, with what to do. */
  engineRefusal: z.string().max(1_000).optional(),
});
export type NodeFacts = z.infer<typeof NodeFacts>;

/** A moment's use. Soft: never journalled. */
export const NodeSample = z.strictObject({
  atMs: z.number(),
  cpuUsedMillis: z.number(),
  memoryUsedBytes: z.number(),
  diskUsedBytes: z.number(),
  containers: z.int().min(0),
});
export type NodeSample = z.infer<typeof NodeSample>;

export const ContainerSample = z.strictObject({
  placementId: z.string(),
  atMs: z.number(),
  cpuUsedMillis: z.number(),
  memoryUsedBytes: z.number(),
  memoryLimitBytes: z.number().optional(),
  rxBytes: z.number(),
  txBytes: z.number(),
  pids: z.number(),
});
export type ContainerSample = z.infer<typeof ContainerSample>;
