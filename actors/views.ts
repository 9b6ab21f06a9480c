import { z } from "zod";
import { DeploymentSpec, PinnedImage } from "./deployment/contract.ts";
import type { IngressCounts } from "./ingress/counts-contract.ts";
import { NodeProxyView, PoolState } from "./ingress/views.ts";
import type { NodeImages } from "./node/images-contract.ts";
import { ExitEvidence, Failure, NodeSample, type ContainerSample, type PlacementStatus } from "./node/observed-contract.ts";

/** Rows of the read model and answers of the reading operations. Wall-clock times are milliseconds since the epoch. */

export const RejectionView = z.object({
  filter: z.string(),
  nodes: z.array(z.string()),
  reason: z.string(),
  remedy: z.string(),
});

export const RolloutView = z.object({
  id: z.number(),
  /** create, update, scale, restart, stop, start, rollback, automatic-rollback, delete */
  change: z.string(),
  revision: z.number(),
  outcome: z.enum(["in-progress", "succeeded", "failed", "rolled-back", "superseded"]),
  /** Why it failed or was rolled back; what it waits for while in progress; which nodes a global one did without when it succeeded. One sentence. */
  reason: z.string().optional(),
  startedAtMs: z.number(),
  endedAtMs: z.number().optional(),
  /** When it fails if nothing changes. */
  deadlineAtMs: z.number().optional(),
  /** Before this time no further replica is replaced, because its policy wants a pause. Absent: nobody waits for that. */
  nextBatchAtMs: z.number().optional(),
});
export type RolloutView = z.infer<typeof RolloutView>;

export const FieldChangeView = z.object({ path: z.string(), before: z.unknown().optional(), after: z.unknown().optional() });

/** Row kind `deployment`, id = name. */
export const DeploymentView = z.object({
  name: z.string(),
  /** Grows with every accepted change; the ETag. */
  generation: z.number(),
  status: z.enum([
    "scheduling",
    "starting",
    "running",
    "completed",
    "degraded",
    "rolling-back",
    "stopping",
    "stopped",
    "deleting",
    "failed",
  ]),
  /** One sentence: why the status is what it is. */
  reason: z.string(),
  revision: z.number(),
  image: PinnedImage,
  /** Desired: as many as were asked for, or as many nodes as are to have one. */
  replicas: z.number(),
  /** Observed. */
  healthyReplicas: z.number(),
  updatedReplicas: z.number(),
  pendingReplicas: z.number(),
  restarts: z.number(),
  spec: DeploymentSpec,
  rollout: RolloutView,
  /** Replicas on lost nodes: they may still run, and nothing is started in their stead. Absent: there are none. */
  awaited: z.array(z.object({ node: z.string(), replicas: z.number(), sinceMs: z.number() })).optional(),
  /** The stack it is a member of; absent: it stands alone. */
  stack: z.string().optional(),
  /** It was changed since its stack ordered what it is. */
  drifted: z.boolean().optional(),
  createdAtMs: z.number(),
  changedAtMs: z.number(),
  /** Where each published port and route answers, or why it does not; one sentence each. When one deployment is read. */
  reach: z.array(z.string()).optional(),
});
export type DeploymentView = z.infer<typeof DeploymentView>;

/** Row kind `container`, id = placement id, parent = deployment: one replica as placed, with its latest attempt. */
export const ContainerView = z.object({
  id: z.string(),
  deployment: z.string(),
  slot: z.number(),
  revision: z.number(),
  image: z.string(),
  node: z.string().optional(),
  phase: z.enum([
    "requested",
    "pending",
    "assigned",
    "pulling",
    "starting",
    "running",
    "backing-off",
    "draining",
    "stopped",
    "completed",
    "failed",
  ]),
  health: z.enum(["none", "proving", "healthy", "unhealthy", "unknown"]),
  /** One sentence; empty when there is nothing to explain. */
  reason: z.string(),
  /** Since when the phase holds. */
  sinceMs: z.number(),
  /** The observation all of this rests on; its age is shown. Absent before the node said anything. */
  observedAtMs: z.number().optional(),
  attempt: z.number(),
  restarts: z.number(),
  nextAttemptAtMs: z.number().optional(),
  containerId: z.string().optional(),
  startedAtMs: z.number().optional(),
  failure: Failure.optional(),
  lastExit: ExitEvidence.optional(),
  /** Why it is pending, per filter, and what would make it fit. */
  rejections: z.array(RejectionView),
  ports: z.array(
    z.object({ containerPort: z.number(), publishedPort: z.number().optional(), protocol: z.string(), mode: z.string().optional() }),
  ),
  /** How it stands to the pools of published ports and routes; absent: in none, and leaving none. */
  pool: PoolState.optional(),
});
export type ContainerView = z.infer<typeof ContainerView>;

/** Row kind `change`, id = `NAME.N` (N padded to 8 digits), parent = deployment: one line of the history. */
export const ChangeView = z.object({
  deployment: z.string(),
  change: z.string(),
  generation: z.number(),
  revision: z.number(),
  /** The revision whose content this one repeats, for a rollback. */
  contentOf: z.number(),
  by: z.string(),
  via: z.string(),
  atMs: z.number(),
  diff: z.array(FieldChangeView),
  rollout: RolloutView,
});
export type ChangeView = z.infer<typeof ChangeView>;

/** Row kind `node`, id = name: what is decided. Status, age, sample and counts are joined when it is read. */
export const NodeRow = z.object({
  name: z.string(),
  hostname: z.string(),
  availability: z.enum(["active", "cordoned", "draining", "drained"]),
  /** lost: declared after missed heartbeats. */
  connection: z.enum(["joined", "lost"]),
  connectionSinceMs: z.number(),
  engineVersion: z.string(),
  engine: z.enum(["reachable", "unreachable"]),
  /** Why the agent does not use it. */
  engineRefusal: z.string().optional(),
  agentVersion: z.string(),
  os: z.string(),
  arch: z.string(),
  cpuMillis: z.number(),
  memoryBytes: z.number(),
  diskBytes: z.number(),
  labels: z.record(z.string(), z.string()),
  address: z.string(),
  degraded: z.array(z.string()),
  assignment: z.number(),
  placements: z.number(),
});
export type NodeRow = z.infer<typeof NodeRow>;

/** The images of a node as its agent last told them. */
export interface ToldImages {
  readonly version: string;
  /** When the engine last said so, by the wall clock of the control plane. */
  readonly seenAtMs: number;
  readonly told: NodeImages;
}

/** What the node actor knows and does not journal; `Host.soft(address of the node)`. */
export interface NodeSoft {
  /** Wall clock of the control plane; undefined when nothing was heard since this process started. */
  readonly lastHeardAtMs: number | undefined;
  readonly sample: z.infer<typeof NodeSample> | undefined;
  readonly agentAssignment: number | undefined;
  /** Why the agent cannot take the newest assignment, in a sentence. */
  readonly assignmentProblem?: string | undefined;
  /** By placement id: progress and other observations that are not journalled. */
  readonly statuses: ReadonlyMap<string, PlacementStatus>;
  readonly containers: ReadonlyMap<string, ContainerSample>;
  /** What its proxy had counted, and when that was heard by the control plane's wall clock. Undefined: it has told nothing yet. */
  readonly ingressCounts?: (IngressCounts & { readonly heardAtMs: number }) | undefined;
  /** What images it has told to have; undefined: which ones it has now is not known. */
  readonly images?: ToldImages | undefined;
}

export const NodeView = NodeRow.extend({
  /** healthy, degraded (with reasons), unknown (silent: last word too old), unreachable (declared lost). */
  status: z.enum(["healthy", "degraded", "unknown", "unreachable"]),
  /** One sentence. */
  reason: z.string(),
  lastHeardAtMs: z.number().optional(),
  sample: NodeSample.optional(),
  /** Behind: the agent has not yet taken the newest assignment. */
  agentAssignment: z.number().optional(),
  /** What it does for published ports and routes. */
  ingress: NodeProxyView.optional(),
});
export type NodeView = z.infer<typeof NodeView>;
