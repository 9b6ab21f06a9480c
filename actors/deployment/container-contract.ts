import { z } from "zod";

/** Bounds of what one container may be given. Beyond them the request is refused with the path of the field. */
const MAX_LIST = 100;
const MAX_TEXT_CHARS = 1_000;
const MAX_WORD_CHARS = 10_000;
const MAX_LOG_FILE_BYTES = 2 ** 30;
const MAX_LOG_FILES = 100;
const MAX_LOG_BUFFER_BYTES = 2 ** 26;
const MAX_HOSTNAME_CHARS = 63;
const MAX_HOOKS = 20;

/** On the node, or in the container; without `..`, so that what is allowed can be compared. */
export const AbsolutePath = z
  .string()
  .max(MAX_TEXT_CHARS)
  .regex(/^\/[^\0]*$/, "a path begins with /")
  .refine((path) => !path.split("/").includes(".."), "a path holds no ..");

const Text = z.string().min(1).max(MAX_TEXT_CHARS);
const Words = z.array(z.string().max(MAX_WORD_CHARS)).min(1).max(MAX_LIST);
const Texts = z.array(Text).max(MAX_LIST);

/** Without `CAP_`, in capitals; `ALL` is all of them. */
const Capability = z.string().regex(/^[A-Z][A-Z_]{1,39}$/, "a capability is written like NET_ADMIN");

/** -1: no limit. */
const LimitValue = z.int().min(-1);

/** Memory of the container that looks like a directory, and is gone with it. */
export const Tmpfs = z.strictObject({
  target: AbsolutePath,
  /** Of the mount, as in `size=64m,mode=1777`. */
  options: z
    .string()
    .max(MAX_TEXT_CHARS)
    .regex(/^[a-zA-Z0-9=,._%:-]*$/, "options are written like size=64m,mode=1777")
    .optional(),
});

export const Logging = z.strictObject({
  driver: z.enum(["json-file", "local"]).default("json-file"),
  /** Of the newest file; then the next one is begun. */
  maxFileBytes: z.int().min(1_024).max(MAX_LOG_FILE_BYTES).optional(),
  maxFiles: z.int().min(1).max(MAX_LOG_FILES).optional(),
  /** Older files. */
  compressed: z.boolean().optional(),
  /** Lines are lost, instead of the process waiting, once this much waits for the disk. */
  bufferBytes: z.int().min(1_024).max(MAX_LOG_BUFFER_BYTES).optional(),
});

/** What the container shares with its node (`host`), or not with anybody. Absent: what the engine does by itself. */
export const Namespaces = z.strictObject({
  ipc: z.enum(["private", "shareable", "none", "host"]).optional(),
  pid: z.enum(["host"]).optional(),
  uts: z.enum(["host"]).optional(),
  cgroup: z.enum(["private", "host"]).optional(),
  users: z.enum(["host"]).optional(),
  /** none: no network at all. host: the node's own, so its ports are the node's ports. */
  network: z.enum(["none", "host"]).optional(),
});

export const Device = z.strictObject({
  source: AbsolutePath,
  target: AbsolutePath.optional(),
  /** Read, write, make nodes. */
  permissions: z
    .string()
    .regex(/^[rwm]{1,3}$/)
    .default("rwm"),
});

/** GPUs and their like, which a driver of the engine's hands out. */
export const DeviceRequest = z.strictObject({
  driver: Text.optional(),
  /** -1: all there are. */
  count: z.int().min(-1).optional(),
  ids: Texts.optional(),
  capabilities: Texts.default(["gpu"]),
  options: z.record(Text, z.string().max(MAX_TEXT_CHARS)).optional(),
});

/** A command that the agent runs in the container. */
export const Hook = z.strictObject({
  command: Words,
  user: Text.optional(),
  privileged: z.boolean().optional(),
  workingDirectory: Text.optional(),
  environment: z.record(Text, z.string().max(MAX_WORD_CHARS)).optional(),
});
export type Hook = z.infer<typeof Hook>;

/** Fields of a template that shape the container around its process. All are optional: what is absent is as the engine does it. */
export const containerFields = {
  /** A first process that reaps orphans and passes signals on. */
  init: z.boolean().optional(),
  tty: z.boolean().optional(),
  stdinOpen: z.boolean().optional(),
  readOnlyRoot: z.boolean().optional(),
  privileged: z.boolean().optional(),
  /** Absent: the deployment's name and the slot, `web-1`. */
  hostname: z
    .string()
    .max(MAX_HOSTNAME_CHARS)
    .regex(/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/, "a host name is of letters, digits, hyphens, underscores and dots")
    .optional(),
  domainname: Text.optional(),
  /** Further groups of the user, by name or number. */
  groups: Texts.optional(),
  capAdd: z.array(Capability).max(MAX_LIST).optional(),
  capDrop: z.array(Capability).max(MAX_LIST).optional(),
  /** In the engine's words: `no-new-privileges`, `seccomp=unconfined`. */
  securityOptions: z.array(z.string().min(1).max(MAX_WORD_CHARS)).max(MAX_LIST).optional(),
  sysctls: z.record(z.string().regex(/^[a-z0-9_./-]{1,200}$/i), z.string().max(MAX_TEXT_CHARS)).optional(),
  ulimits: z.record(z.string().regex(/^[a-z]{2,20}$/), z.strictObject({ soft: LimitValue, hard: LimitValue })).optional(),
  /** `name:address`, or `name:host-gateway` for the node itself. */
  extraHosts: z
    .array(
      z
        .string()
        .max(MAX_TEXT_CHARS)
        .regex(/^[^:=\s]+:\S+$/, "an extra host is written like name:10.0.0.1"),
    )
    .max(MAX_LIST)
    .optional(),
  dns: z.strictObject({ servers: Texts.optional(), search: Texts.optional(), options: Texts.optional() }).optional(),
  tmpfs: z.array(Tmpfs).max(MAX_LIST).optional(),
  logging: Logging.optional(),
  namespaces: Namespaces.optional(),
  devices: z.array(Device).max(MAX_LIST).optional(),
  /** `c 10:* rwm`: devices it may use without being given them. */
  deviceRules: z
    .array(z.string().regex(/^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$/, "a rule for devices is written like c 10:* rwm"))
    .max(MAX_LIST)
    .optional(),
  gpus: z.array(DeviceRequest).max(MAX_LIST).optional(),
  annotations: z.record(Text, z.string().max(MAX_TEXT_CHARS)).optional(),
  /** One after the other, once the container runs; the replica counts as running when all have succeeded. */
  postStart: z.array(Hook).max(MAX_HOOKS).optional(),
  /** One after the other, before the stop signal and within the grace. */
  preStop: z.array(Hook).max(MAX_HOOKS).optional(),
} as const;

/** What the engine is asked for of it. Takes from a template what is its own. */
export const ContainerSettings = z.object(containerFields).omit({ hostname: true, postStart: true, preStop: true });
export type ContainerSettings = z.infer<typeof ContainerSettings>;

/** Limits beyond processor and memory. */
export const furtherLimits = {
  /** Memory and swap together; -1: as much swap as there is. Absent: no swap where memory is limited. */
  memorySwapLimitBytes: z
    .int()
    .min(-1)
    .max(2 ** 50)
    .optional(),
  /** 0 to 100: how readily memory is swapped out. */
  memorySwappiness: z.int().min(0).max(100).optional(),
  /** Weight against others when processors are short; 1024 is usual. */
  cpuShares: z.int().min(2).max(262_144).optional(),
  /** Processors it may run on: `0-3,6`. */
  cpuset: z
    .string()
    .regex(/^\d+(-\d+)?(,\d+(-\d+)?)*$/, "processors are written like 0-3,6")
    .optional(),
  pidsLimit: z.int().min(1).max(4_194_304).optional(),
  shmSizeBytes: z
    .int()
    .min(1)
    .max(2 ** 40)
    .optional(),
  /** -1000 (never) to 1000 (first): whom the kernel kills when the node's memory runs out. */
  oomScoreAdjust: z.int().min(-1_000).max(1_000).optional(),
  oomKillDisabled: z.boolean().optional(),
  /** 10 to 1000, against others on the same disks. */
  blockWeight: z.int().min(10).max(1_000).optional(),
} as const;

/** Takes from resources what is its own. */
export const FurtherLimits = z.object(furtherLimits);
export type FurtherLimits = z.infer<typeof FurtherLimits>;
