import { z } from "zod";
import { containerFields, furtherLimits } from "./container-contract.ts";
import { GivenFiles, SealedFiles } from "./file-contract.ts";
import { Networks } from "./network-contract.ts";
import { Mounts } from "./mount-contract.ts";
import { lifecycleFields } from "./lifecycle-contract.ts";
import { DEFAULT_DRAIN_MS, MAX_DRAIN_MS, RESERVED_PORTS, RouteHost, RouteOptions, RoutePath } from "../ingress/contract.ts";

/** Bounds of what a person may ask for. Beyond them the request is refused with the path of the field. */
export const MAX_REPLICAS = 1_000;
export const MAX_ENVIRONMENT_VARIABLES = 500;
export const MAX_PORTS = 100;
export const MAX_ROUTES_PER_DEPLOYMENT = 100;
export const MAX_CONSTRAINTS = 50;

export const DeploymentName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,47}$/, "a name is 1 to 48 characters: a-z, 0-9 and -, and begins with a letter or digit");

/** The engine splits a variable at its first `=`. */
export const VariableName = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[^=\0]+$/, "the name of a variable holds no =");

/** Milliseconds. */
const DurationMs = z.int().min(0).max(86_400_000);

/** `40%` of the replicas (surge rounds up, unavailable rounds down), or a count. */
export const Share = z.union([
  z.int().min(0).max(MAX_REPLICAS),
  z.string().regex(/^(100|[1-9]?[0-9])%$/, "a share is a count or a percentage, like 1 or 25%"),
]);
export type Share = z.infer<typeof Share>;

const PublishedPort = z
  .int()
  .min(1)
  .max(65_535)
  .refine(
    (port) => !Object.values(RESERVED_PORTS).some(([first, last]) => port >= first && port <= last),
    `the ports ${Object.values(RESERVED_PORTS)
      .map((range) => range.join(" to "))
      .join(" and ")} are the platform's own on every node: publish another`,
  );

export const Port = z
  .strictObject({
    containerPort: z.int().min(1).max(65_535),
    /** Absent: reachable inside the node only. */
    publishedPort: PublishedPort.optional(),
    protocol: z.enum(["tcp", "udp"]).default("tcp"),
    /** balanced: answers on every node that takes traffic, over all healthy replicas. host: bound on each replica's own node, so a node takes one replica. */
    mode: z.enum(["balanced", "host"]).default("balanced"),
    /** Of mode host: it answers to the node itself alone. Absent: on all addresses of the node. */
    address: z.enum(["127.0.0.1", "::1"]).optional(),
    /**
     * What is spoken on a balanced tcp port, and behind a route; http and grpc are balanced by request, and grpc reaches the replicas over HTTP/2 in clear
     * (h2c). Absent: http where the health check asks this port over HTTP or a route leads to it, else tcp.
     */
    appProtocol: z.enum(["http", "grpc", "tcp"]).optional(),
  })
  .refine(({ mode, address }) => address === undefined || mode === "host", "an address is for mode host: other ports answer on all of them")
  .readonly();
export type Port = z.infer<typeof Port>;

/** A host name, and a path below it, under which the replicas answer on ports 80 and 443 of every node that takes traffic. */
export const Route = z
  .strictObject({
    host: RouteHost,
    path: RoutePath.default("/"),
    /** Absent: the first of `ports`. */
    containerPort: z.int().min(1).max(65_535).optional(),
    /** auto: a certificate is had for it (ACME, an uploaded one, or a self-signed one for a local name) and port 80 redirects to 443. off: plain on port 80. */
    tls: z.enum(["auto", "off"]).default("auto"),
    options: RouteOptions.prefault({}),
  })
  .readonly();
export type Route = z.infer<typeof Route>;

const probeTimes = {
  intervalMs: z.int().min(100).max(86_400_000).default(10_000),
  timeoutMs: z.int().min(50).max(3_600_000).default(3_000),
  /** Failures within this time after the start do not count; a success ends it. */
  startPeriodMs: DurationMs.default(0),
  /** Consecutive failures until unhealthy. */
  retries: z.int().min(1).max(1_000).default(3),
  /** Consecutive successes until healthy. */
  successes: z.int().min(1).max(100).default(1),
};
export const HealthCheck = z.discriminatedUnion("kind", [
  /** Healthy is a status of 200 to 399. */
  z.strictObject({
    kind: z.literal("http"),
    path: z.string().startsWith("/").max(2_000),
    port: z.int().min(1).max(65_535).optional(),
    ...probeTimes,
  }),
  z.strictObject({ kind: z.literal("tcp"), port: z.int().min(1).max(65_535).optional(), ...probeTimes }),
  /** Healthy is exit code 0. Runs in the container. */
  z.strictObject({ kind: z.literal("command"), command: z.array(z.string().max(10_000)).min(1).max(100), ...probeTimes }),
]);
export type HealthCheck = z.infer<typeof HealthCheck>;

export const Resources = z.strictObject({
  /** Hard limits; 1000 cpuMillis is one processor. Absent: none. */
  cpuLimitMillis: z.int().min(1).max(1_024_000).optional(),
  memoryLimitBytes: z
    .int()
    .min(6_291_456)
    .max(2 ** 50)
    .optional(),
  /** What the scheduler sets aside on the node. */
  cpuReservedMillis: z.int().min(0).max(1_024_000).default(0),
  memoryReservedBytes: z
    .int()
    .min(0)
    .max(2 ** 50)
    .default(0),
  ...furtherLimits,
});
export type Resources = z.infer<typeof Resources>;

/** On a node label, or on `node.id`, `node.hostname`, `node.platform.os`, `node.platform.arch`. */
export const Constraint = z.discriminatedUnion("operator", [
  z.strictObject({ operator: z.enum(["==", "!="]), key: z.string().min(1).max(200), value: z.string().max(200) }),
  z.strictObject({
    operator: z.enum(["in", "notin"]),
    key: z.string().min(1).max(200),
    values: z.array(z.string().max(200)).min(1).max(50),
  }),
  z.strictObject({ operator: z.literal("exists"), key: z.string().min(1).max(200) }),
]);
export type Constraint = z.infer<typeof Constraint>;

/** How a change is rolled out. Every phase has a deadline, so every rollout ends. */
export const RolloutPolicy = z.strictObject({
  /**
   * Replicas above the wanted number while replacing. Default 1; 0 when they bind ports of their node (mode host) or have a network address of their own,
   * which two cannot hold at once, or write to a volume. Shares of a global deployment are of the nodes that take it.
   */
  maxSurge: Share.optional(),
  /** Replicas that may be missing because of the rollout. Default 0; 1 where the other default is 0. */
  maxUnavailable: Share.optional(),
  /** A replica counts once it has been healthy for so long. */
  minHealthyMs: DurationMs.default(5_000),
  /** So long after a new replica counts, no further one is begun. */
  delayMs: DurationMs.default(0),
  placeDeadlineMs: DurationMs.default(300_000),
  pullDeadlineMs: DurationMs.default(300_000),
  startDeadlineMs: DurationMs.default(60_000),
  healthyDeadlineMs: DurationMs.default(300_000),
  wholeDeadlineMs: DurationMs.default(3_600_000),
  /** What a failed update does. There is nothing to roll back to before the first success: the rollout is then failed. */
  onFailure: z.enum(["rollback", "pause"]).default("rollback"),
  /** On the way back to this revision, by itself or because a person wants it, these hold instead. Absent: as for any other change. */
  rollback: z.strictObject({ maxSurge: Share, maxUnavailable: Share, delayMs: DurationMs }).partial().optional(),
});
export type RolloutPolicy = z.infer<typeof RolloutPolicy>;

/** Host and port of a registry, repository, tag, digest: the grammar of the distribution project, without the length of each part. */
const IMAGE_REFERENCE =
  /^(?:[A-Za-z0-9.-]+(?::[0-9]+)?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

const Labels = z.record(z.string().min(1).max(200), z.string().max(1_000));

/** replicated: as many replicas as wanted, wherever there is room. global: one on every node that fits, now and later; it has no number of replicas. */
export const Mode = z.enum(["replicated", "global"]);

/**
 * What becomes of a replica whose node is lost, that is, silent for so long that nobody knows whether it still runs. replace: it is given up, and another is
 * started elsewhere. wait: none is started anywhere until its node is back and goes on with it, or a person removes the node, and thereby says that it is gone.
 */
export const Partition = z.enum(["replace", "wait"]);

/** never: the image is what nodes have themselves, and a node without it gets it from nobody. Absent: a registry is asked, and a node that lacks it pulls it. */
export const PullPolicy = z.literal("never");
export type PullPolicy = z.infer<typeof PullPolicy>;

/** What one replica is: everything that makes a revision, except the replica count, which is scaled without making one. */
export const Template = z.strictObject({
  /** As the person wrote it: `nginx:1.27`. */
  image: z
    .string()
    .max(500)
    .regex(IMAGE_REFERENCE, "write an image like nginx:1.27 or registry.example/team/app:1.2, its name in lower case"),
  pull: PullPolicy.optional(),
  entrypoint: z.array(z.string().max(10_000)).max(100).optional(),
  command: z.array(z.string().max(10_000)).max(100).optional(),
  environment: z
    .record(VariableName, z.string().max(100_000))
    .refine((variables) => Object.keys(variables).length <= MAX_ENVIRONMENT_VARIABLES, `at most ${MAX_ENVIRONMENT_VARIABLES} variables`)
    .default({}),
  ports: z.array(Port).max(MAX_PORTS).default([]),
  routes: z.array(Route).max(MAX_ROUTES_PER_DEPLOYMENT).default([]),
  /** How long a replica that left the pools may go on with what it has begun before it is stopped. Nothing is waited for when nothing is under way. */
  drainMs: z.int().min(0).max(MAX_DRAIN_MS).default(DEFAULT_DRAIN_MS),
  health: HealthCheck.optional(),
  resources: Resources.prefault({}),
  mode: Mode.default("replicated"),
  constraints: z.array(Constraint).max(MAX_CONSTRAINTS).default([]),
  /** So many replicas may be on one node; 0: any number. While one is replaced, its successor may be there beside it. */
  maxReplicasPerNode: z.int().min(0).max(MAX_REPLICAS).default(0),
  /** Absent: replace. */
  partition: Partition.optional(),
  /** Of the containers. */
  labels: Labels.default({}),
  /** Of the deployment alone: for the people and programs that read it; no container has them. */
  deploymentLabels: Labels.optional(),
  user: z.string().max(200).optional(),
  workingDirectory: z.string().max(1_000).optional(),
  stopSignal: z
    .string()
    .regex(/^SIG[A-Z0-9+-]{2,12}$/, "a signal is written like SIGTERM")
    .default("SIGTERM"),
  stopGraceMs: z.int().min(0).max(3_600_000).default(10_000),
  ...containerFields,
  mounts: Mounts.optional(),
  files: SealedFiles.optional(),
  /** Absent: the engine's own network, where nobody is found by name. */
  networks: Networks.optional(),
  /** Replicas of all deployments with the same word here run on one node. */
  together: z.string().min(1).max(200).optional(),
  ...lifecycleFields,
  rollout: RolloutPolicy.prefault({}),
});
export type Template = z.infer<typeof Template>;

/** What a person asks for: a template and how many. Files may come with their content, which is sealed before the template is made. */
export const DeploymentSpec = Template.extend({ replicas: z.int().min(0).max(MAX_REPLICAS).default(1), files: GivenFiles.optional() });
export type DeploymentSpec = z.infer<typeof DeploymentSpec>;
export type DeploymentSpecInput = z.input<typeof DeploymentSpec>;

/** The image as it was when the change was made. A moved tag changes nothing. */
export const PinnedImage = z.strictObject({
  reference: z.string().min(1).max(500),
  /** `sha256:...`: of the manifest in a registry, or of the configuration where the image exists on nodes only. */
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  source: z.enum(["registry", "node"]),
});
export type PinnedImage = z.infer<typeof PinnedImage>;

/** What a revision holds and a node is given. */
export const PinnedTemplate = Template.omit({ image: true }).extend({ image: PinnedImage });
export type PinnedTemplate = z.infer<typeof PinnedTemplate>;

export type ChangeKind = "create" | "update" | "scale" | "restart" | "stop" | "start" | "rollback" | "automatic-rollback" | "delete";

/** Every rollout ends in one of the last five, and says why. */
export type RolloutOutcome = "in-progress" | "succeeded" | "failed" | "rolled-back" | "superseded";

/** Derived in `status.ts`, and nowhere else. */
export type DeploymentStatus =
  /** Nodes are being chosen. */
  | "scheduling"
  /** Images are pulled, containers start, health is being proved. */
  | "starting"
  | "running"
  /** A job whose replicas have all ended with exit code 0. */
  | "completed"
  /** Some replicas that should be healthy are not, and no rollout is replacing them. */
  | "degraded"
  | "rolling-back"
  | "stopping"
  | "stopped"
  | "deleting"
  /** The last rollout failed and left the deployment short of replicas. */
  | "failed";

/** Phase of a replica, as people see it. */
export type ReplicaPhase =
  | "requested"
  | "pending"
  | "assigned"
  | "pulling"
  | "starting"
  | "running"
  | "backing-off"
  | "draining"
  | "stopped"
  /** Ended with exit code 0, as it was meant to. */
  | "completed"
  /** Ended, and is not tried again. */
  | "failed";

/** One difference, in a plan and in the history. Values of environment variables that look like secrets are masked. */
export interface FieldChange {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}
