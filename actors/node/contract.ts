import { z } from "zod";
import { SealedContent } from "../deployment/file-contract.ts";
import { VolumeName } from "../deployment/mount-contract.ts";
import { PinnedImage, PinnedTemplate, PullPolicy } from "../deployment/contract.ts";
import { NodeAllowance } from "./allowance-contract.ts";
import { ImagesSeen, NodeImages } from "./images-contract.ts";
import { IngressStatus, IngressCertificates, IngressTable } from "../ingress/contract.ts";
import { IngressCounts } from "../ingress/counts-contract.ts";

/** The protocol between a node actor and its agent. Desired and observed never share a type. */

export const HEARTBEAT_INTERVAL_MS = 5_000;
/** Silent for so long: unknown at the next look (status says "unknown", with the age). */
export const HEARTBEAT_UNKNOWN_AFTER_MS = 10_000;
/** Silent for so long: lost; its replicas are placed elsewhere. Three heartbeats. */
export const HEARTBEAT_LOST_AFTER_MS = 15_000;
export const EVIDENCE_LOG_LINES = 50;
/** What its agent tells of all of them in one message, a sample each, is then well below what a message can hold. */
export const MAX_PLACEMENTS_PER_NODE = 2_500;
export const MINIMUM_ENGINE_MAJOR = 24;

/**
 * Desired: one replica of a deployment on this node. A placement is the scheduler's decision that a slot lives here; the agent makes attempts in it
 * (one container each), numbered from 1, on its own, also while the control plane is away.
 */
export const Placement = z.strictObject({
  /** `web.3.7`: deployment, slot, and a number that only grows within the deployment. */
  placementId: z.string().min(1).max(120),
  deployment: z.string(),
  slot: z.int().min(1),
  /** Revision whose content it runs. */
  revision: z.int().min(1),
  template: PinnedTemplate,
  desired: z.enum(["running", "stopped"]),
});
export type Placement = z.infer<typeof Placement>;

/** The whole of what a node should do. A greater (epoch, number) replaces a smaller one; a smaller one is refused. */
export const Assignment = z.strictObject({
  kind: z.literal("assignment"),
  tenant: z.string(),
  node: z.string(),
  epoch: z.int().min(0),
  number: z.int().min(0),
  placements: z.array(Placement).max(MAX_PLACEMENTS_PER_NODE),
  /** Images that will be wanted soon. */
  prefetch: z.array(PinnedImage).max(100),
});
export type Assignment = z.infer<typeof Assignment>;

/** Portions of one assignment; with so many placements as a node may have, each larger than most. */
const MAX_PORTIONS = 1_000;

/** One of the portions of an assignment that no single message can hold. Whoever has them all has the assignment; before that nothing is done. */
export const AssignmentPortion = Assignment.extend({
  kind: z.literal("assignment-portion"),
  /** From 1. */
  portion: z.int().min(1).max(MAX_PORTIONS),
  portions: z.int().min(2).max(MAX_PORTIONS),
});
export type AssignmentPortion = z.infer<typeof AssignmentPortion>;

/** What makes the assignment `base` the one with this number, to an agent that has `base`. */
export const AssignmentChange = z.strictObject({
  kind: z.literal("assignment-change"),
  tenant: z.string(),
  node: z.string(),
  epoch: z.int().min(0),
  number: z.int().min(0),
  base: z.strictObject({ epoch: z.int().min(0), number: z.int().min(0) }),
  /** New ones, and others under a known id. */
  placements: z.array(Placement).max(MAX_PLACEMENTS_PER_NODE),
  /** Ids of those that are otherwise as they were. */
  stopped: z.array(z.string()).max(MAX_PLACEMENTS_PER_NODE),
  removed: z.array(z.string()).max(MAX_PLACEMENTS_PER_NODE),
  prefetch: z.array(PinnedImage).max(100),
});
export type AssignmentChange = z.infer<typeof AssignmentChange>;

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

/** Agent to node actor: requests on the node's subject. Every one is answered with `AgentWelcome`, unless it says otherwise. */
export const AgentMessage = z.discriminatedUnion("kind", [
  /** First after every (re)connection: facts and the full status. */
  z.strictObject({
    kind: z.literal("agent.hello"),
    session: z.string(),
    facts: NodeFacts,
    epoch: z.int(),
    assignment: z.int(),
    statuses: z.array(PlacementStatus),
    engine: z.enum(["reachable", "unreachable"]),
  }),
  /** What changed since the last answered message. */
  z.strictObject({ kind: z.literal("agent.status"), session: z.string(), statuses: z.array(PlacementStatus) }),
  /** Every HEARTBEAT_INTERVAL_MS +- 10 %. `digest` counts the statuses that were answered and sums their sequences; the node actor answers `resync` when it disagrees. */
  z.strictObject({
    kind: z.literal("agent.heartbeat"),
    session: z.string(),
    epoch: z.int(),
    assignment: z.int(),
    engine: z.enum(["reachable", "unreachable"]),
    digest: z.strictObject({ count: z.int(), sequences: z.int() }),
    sample: NodeSample.optional(),
    containers: z.array(ContainerSample),
    /** Absent: the engine has not told them yet. */
    images: ImagesSeen.optional(),
  }),
  /** Asks for the content of a file of a placement that this node has. Answered with `FileAnswer`. */
  z.strictObject({
    kind: z.literal("agent.file"),
    session: z.string(),
    placementId: z.string(),
    file: SealedContent,
  }),
  /** What the node's proxy does: when it changed, and after every heartbeat. Soft. */
  z.strictObject({ kind: z.literal("agent.ingress"), session: z.string(), status: IngressStatus }),
  /** What the node's proxy has counted: after every heartbeat while it has one. Soft. */
  z.strictObject({ kind: z.literal("agent.ingress-counts"), session: z.string(), counts: IngressCounts }),
  /** What images the engine has: when they changed, and when an answer names another version of them. Soft. */
  z.strictObject({ kind: z.literal("agent.images"), session: z.string(), seen: ImagesSeen, told: NodeImages }),
]);
export type AgentMessage = z.infer<typeof AgentMessage>;

/** The content in base64, to the agent of the node whose placement uses it and to nobody else. */
export const FileAnswer = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("file"), value: z.base64() }),
  z.strictObject({ kind: z.literal("refused"), reason: z.string() }),
]);
export type FileAnswer = z.infer<typeof FileAnswer>;

/**
 * `resync`: send `agent.hello`. A higher epoch or assignment than the agent's own: the assignment follows, or is asked for with `agent.hello`.
 * `images`: the version of the node's images that is known; absent: none is.
 */
export const AgentWelcome = z.strictObject({
  kind: z.literal("welcome"),
  epoch: z.int(),
  assignment: z.int(),
  resync: z.boolean(),
  images: z.string().optional(),
});
export type AgentWelcome = z.infer<typeof AgentWelcome>;

/** Control plane to agent: requests on the agent's subject `ody.TENANT.agent.NODE`. */
export const AgentRequest = z.discriminatedUnion("kind", [
  /** All three answered with `AssignmentAnswer`: `accepted` once the whole is on the agent's disk. */
  Assignment,
  AssignmentPortion,
  AssignmentChange,
  /** Both answered with `TableAnswer` once it is on the agent's disk. */
  IngressTable,
  IngressCertificates,
  /** Answered with `ResolveAnswer`. Asks the registry through the engine, unless it may not; else looks for a local image. */
  z.strictObject({ kind: z.literal("resolve-image"), reference: z.string(), pull: PullPolicy.optional() }),
  /** Opens a stream of `LogChunk` to `ody.TENANT.stream.NODE.STREAM`; answered with `StreamOpened` or a refusal. The reader renews it every 10 s with `keep-stream`; unrenewed for 30 s it ends. */
  z.strictObject({
    kind: z.literal("logs"),
    streamId: z.string().regex(/^[a-z0-9]{1,40}$/),
    placementIds: z.array(z.string()).min(1).max(MAX_PLACEMENTS_PER_NODE),
    follow: z.boolean(),
    /** Last lines per container; absent: all. */
    tail: z.int().min(0).max(100_000).optional(),
    sinceMs: z.number().optional(),
    streams: z.array(z.enum(["stdout", "stderr"])).min(1),
  }),
  z.strictObject({ kind: z.literal("keep-stream"), streamId: z.string() }),
  z.strictObject({ kind: z.literal("close-stream"), streamId: z.string() }),
  /** Answered with `VolumeRemoval`: with its data, unless a container is still on it. */
  z.strictObject({ kind: z.literal("remove-volume"), name: VolumeName }),
  /** Answered with `StatsAnswer`. */
  z.strictObject({ kind: z.literal("stats"), placementIds: z.array(z.string()).max(MAX_PLACEMENTS_PER_NODE) }),
]);
export type AgentRequest = z.infer<typeof AgentRequest>;

/** What became of a volume's data; `reason` is empty when it is gone. */
export const VolumeRemoval = z.strictObject({ data: z.enum(["removed", "kept"]), reason: z.string() });
export type VolumeRemoval = z.infer<typeof VolumeRemoval>;

export const AssignmentAnswer = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("accepted"), epoch: z.int(), number: z.int() }),
  /** The agent holds a newer one. */
  z.strictObject({ kind: z.literal("stale"), epoch: z.int(), number: z.int() }),
  z.strictObject({ kind: z.literal("not-stored"), message: z.string() }),
  /** A portion, and others are missing. In memory alone. */
  z.strictObject({ kind: z.literal("kept") }),
  /** A change of an assignment that the agent does not have: it wants the whole. */
  z.strictObject({ kind: z.literal("lacking"), names: z.array(z.string()) }),
]);
export type AssignmentAnswer = z.infer<typeof AssignmentAnswer>;

export const ResolveAnswer = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("resolved"),
    image: PinnedImage,
    platforms: z.array(z.strictObject({ os: z.string(), arch: z.string() })),
  }),
  z.strictObject({ kind: z.literal("failed"), failure: Failure }),
]);
export type ResolveAnswer = z.infer<typeof ResolveAnswer>;

export const LogLine = z.strictObject({
  placementId: z.string(),
  attempt: z.int(),
  stream: z.enum(["stdout", "stderr"]),
  atMs: z.number(),
  text: z.string(),
});
export type LogLine = z.infer<typeof LogLine>;

/** Numbered from 0 so that a reader notices a gap. `end` says why no more will come. */
export const LogChunk = z.strictObject({
  number: z.int().min(0),
  lines: z.array(LogLine),
  /** Lines left out because the reader was slower than the container. */
  dropped: z.int().min(0),
  end: z.strictObject({ reason: z.enum(["complete", "closed", "container-gone", "failed"]), message: z.string() }).optional(),
});
export type LogChunk = z.infer<typeof LogChunk>;

export const StreamOpened = z.strictObject({ kind: z.literal("opened"), streamId: z.string() });
export const StatsAnswer = z.strictObject({ kind: z.literal("stats"), samples: z.array(ContainerSample) });

/** As people see it. Derived from the last heartbeat at the moment of looking; a silent node is unknown, never healthy. */
export type NodeStatus = "healthy" | "degraded" | "unknown" | "unreachable";
export type Availability = "active" | "cordoned" | "draining" | "drained";
