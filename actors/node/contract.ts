import { z } from "zod";
import { SealedContent } from "../deployment/file-contract.ts";
import { VolumeName } from "../deployment/mount-contract.ts";
import { PinnedImage, PullPolicy } from "../deployment/contract.ts";
import { ImagesSeen, NodeImages } from "./images-contract.ts";
import { IngressStatus, IngressCertificates, IngressTable } from "../ingress/contract.ts";
import { IngressCounts } from "../ingress/counts-contract.ts";
import { MAX_PLACEMENTS_PER_NODE, Assignment, AssignmentPortion, AssignmentChange } from "./assignment-contract.ts";
import { Failure, PlacementStatus, NodeFacts, NodeSample, ContainerSample } from "./observed-contract.ts";

/** The protocol between a node actor and its agent. Desired and observed never share a type. */

export const HEARTBEAT_INTERVAL_MS = 5_000;
/** Silent for so long: unknown at the next look (status says "unknown", with the age). */
export const HEARTBEAT_UNKNOWN_AFTER_MS = 10_000;
/** Silent for so long: lost; its replicas are placed elsewhere. Three heartbeats. */
export const HEARTBEAT_LOST_AFTER_MS = 15_000;
export const MINIMUM_ENGINE_MAJOR = 24;

/** Agent to node actor: requests on the node's subject. Every one is answered with `AgentWelcome`, unless it says otherwise. */
export const AgentMessage = z.discriminatedUnion("kind", [
  /** First after every (re)connection: facts, and as many statuses as a message holds; the others follow. */
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
