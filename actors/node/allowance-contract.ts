import { z } from "zod";
import { AbsolutePath } from "../deployment/container-contract.ts";
import type { Mount } from "../deployment/mount-contract.ts";
import type { PinnedTemplate } from "../deployment/contract.ts";

const MAX_ALLOWED = 200;
const Names = z.array(z.string().min(1).max(200)).max(MAX_ALLOWED).default([]);

/** What containers of a node may have of the node itself. Nothing, unless its own settings say so: the control plane can only ask. */
export const NodeAllowance = z.strictObject({
  /** Containers that may do all that the node's root may. With it, all of the below is allowed too but what is the node's data: `bindPaths`, `volumes` and `networks`. */
  privileged: z.boolean().default(false),
  /** Directories and files that may be mounted, with everything below them. */
  bindPaths: z.array(AbsolutePath).max(MAX_ALLOWED).default([]),
  /** Devices, or directories of devices, like `/dev/snd`. */
  devices: z.array(AbsolutePath).max(MAX_ALLOWED).default([]),
  gpus: z.boolean().default(false),
  /** Beyond those that only reach within the container, like `SYS_ADMIN`. */
  capabilities: Names,
  /** Volumes of the engine that are there without us. */
  volumes: Names,
  /** Networks of the engine that are there without us. */
  networks: Names,
  /** Of the node: `pid`, `ipc`, `uts`, `cgroup`, `users`, `network`. */
  namespaces: z.array(z.enum(["pid", "ipc", "uts", "cgroup", "users", "network"])).default([]),
  /** That loosen the container's confinement, like `seccomp=unconfined`. */
  securityOptions: Names,
});
export type NodeAllowance = z.infer<typeof NodeAllowance>;

export const nothingAllowed: NodeAllowance = NodeAllowance.parse({});

/** One thing of its node that a container wants. */
export interface Demand {
  readonly setting: keyof NodeAllowance;
  /** What would have to be in the setting. */
  readonly value: string;
}

/** Within the container's own namespaces these do no harm to others: the engine's defaults, and what people add for their own process. */
const HARMLESS_CAPABILITIES: ReadonlySet<string> = new Set(
  (
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT " +
    "IPC_LOCK IPC_OWNER LEASE NET_ADMIN NET_BROADCAST SYS_NICE SYS_PTRACE SYS_RESOURCE"
  ).split(" "),
);

/** `no-new-privileges` and a profile of the engine's own make the confinement tighter, or leave it as it is. */
const HARMLESS_SECURITY_OPTION = /^(no-new-privileges([:=](true|false))?|seccomp[:=]builtin|apparmor[:=]docker-default)$/;

/** All that a replica wants of its node. */
export function demandsOf(template: Omit<PinnedTemplate, "image">): readonly Demand[] {
  const { namespaces = {}, devices = [], deviceRules = [], gpus = [], capAdd = [], securityOptions = [] } = template;
  const { mounts = [], networks = [] } = template;
  const hooks = [...(template.postStart ?? []), ...(template.preStop ?? [])];
  const shared = Object.entries(namespaces).filter(([, kind]) => kind === "host");
  const isPrivileged = template.privileged === true || hooks.some((hook) => hook.privileged === true) || deviceRules.length > 0;
  return [
    ...(isPrivileged ? [{ setting: "privileged", value: "true" } as const] : []),
    ...mounts.flatMap(demandsOfMount),
    ...networks.filter(({ external }) => external === true).map(({ name }) => ({ setting: "networks", value: name }) as const),
    ...devices.map(({ source }) => ({ setting: "devices", value: source }) as const),
    ...(gpus.length > 0 ? [{ setting: "gpus", value: "true" } as const] : []),
    ...capAdd.filter((name) => !HARMLESS_CAPABILITIES.has(name)).map((value) => ({ setting: "capabilities", value }) as const),
    ...shared.map(([value]) => ({ setting: "namespaces", value }) as const),
    ...securityOptions
      .filter((option) => !HARMLESS_SECURITY_OPTION.test(option))
      .map((value) => ({ setting: "securityOptions", value }) as const),
  ];
}

function demandsOfMount(mount: Mount): readonly Demand[] {
  switch (mount.kind) {
    case "bind":
      return [
        { setting: "bindPaths", value: mount.source },
        // Mounts made in the container would appear on the node.
        ...(mount.propagation === "shared" || mount.propagation === "rshared" ? [{ setting: "privileged", value: "true" } as const] : []),
      ];
    case "volume":
      return mount.external === true ? [{ setting: "volumes", value: mount.name }] : demandsOfDriver(mount.driverOptions ?? {});
    case "anonymous":
      return [];
  }
}

/** File systems that reach a server, or memory, and nothing of the node. */
const REMOTE_FILE_SYSTEMS: ReadonlySet<string> = new Set(["tmpfs", "nfs", "nfs4", "cifs", "smb3"]);

/** The driver mounts what it is told as the node's root: a directory of the node, or one of its disks. */
function demandsOfDriver({ type, device, o = "" }: Readonly<Record<string, string>>): readonly Demand[] {
  if (device === undefined) return [];
  const options = o.split(",");
  const isBind = type === undefined || type === "none" || type === "bind" || options.includes("bind") || options.includes("rbind");
  if (!isBind && REMOTE_FILE_SYSTEMS.has(type)) return [];
  const isPath = device.startsWith("/") && !device.split("/").includes("..");
  if (!isPath) return [{ setting: "privileged", value: "true" }];
  return [{ setting: isBind ? "bindPaths" : "devices", value: device }];
}

export function isAllowed({ setting, value }: Demand, allowance: NodeAllowance): boolean {
  if (allowance.privileged && setting !== "bindPaths" && setting !== "volumes" && setting !== "networks") return true;
  switch (setting) {
    case "privileged":
    case "gpus":
      return allowance[setting];
    case "bindPaths":
    case "devices":
      return allowance[setting].some((path) => isWithin(value, path));
    case "capabilities":
    case "namespaces":
    case "securityOptions":
    case "volumes":
    case "networks":
      return allowance[setting].some((name) => name === value);
  }
}

/** `n1 does not allow the device /dev/snd`. */
export function demandWords({ setting, value }: Demand): string {
  switch (setting) {
    case "privileged":
      return "privileged containers";
    case "gpus":
      return "its GPUs";
    case "bindPaths":
      return `a mount of its ${value}`;
    case "volumes":
      return `its volume ${value}`;
    case "networks":
      return `its network ${value}`;
    case "devices":
      return `its device ${value}`;
    case "capabilities":
      return `the capability ${value}`;
    case "namespaces":
      return `sharing its ${value} namespace`;
    case "securityOptions":
      return `the security option ${value}`;
  }
}

/** What its owner would write: `add "/dev/snd" to allow.devices`. */
export function allowingWords({ setting, value }: Demand): string {
  return setting === "privileged" || setting === "gpus" ? `set allow.${setting} to true` : `add "${value}" to allow.${setting}`;
}

function isWithin(path: string, directory: string): boolean {
  const base = directory.endsWith("/") ? directory : `${directory}/`;
  return path === directory || `${path}/` === base || path.startsWith(base);
}
