import { z } from "zod";
import { AbsolutePath } from "../deployment/container-contract.ts";
import type { PinnedTemplate } from "../deployment/contract.ts";

const MAX_ALLOWED = 200;
const Names = z.array(z.string().min(1).max(200)).max(MAX_ALLOWED).default([]);

/** What containers of a node may have of the node itself. Nothing, unless its own settings say so: the control plane can only ask. */
export const NodeAllowance = z.strictObject({
  /** Containers that may do all that the node's root may. With it, all of the below but `bindPaths` is allowed too. */
  privileged: z.boolean().default(false),
  /** Directories and files that may be mounted, with everything below them. */
  bindPaths: z.array(AbsolutePath).max(MAX_ALLOWED).default([]),
  /** Devices, or directories of devices, like `/dev/snd`. */
  devices: z.array(AbsolutePath).max(MAX_ALLOWED).default([]),
  gpus: z.boolean().default(false),
  /** Beyond those that only reach within the container, like `SYS_ADMIN`. */
  capabilities: Names,
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
  const hooks = [...(template.postStart ?? []), ...(template.preStop ?? [])];
  const shared = Object.entries(namespaces).filter(([, kind]) => kind === "host");
  const isPrivileged = template.privileged === true || hooks.some((hook) => hook.privileged === true) || deviceRules.length > 0;
  return [
    ...(isPrivileged ? [{ setting: "privileged", value: "true" } as const] : []),
    ...devices.map(({ source }) => ({ setting: "devices", value: source }) as const),
    ...(gpus.length > 0 ? [{ setting: "gpus", value: "true" } as const] : []),
    ...capAdd.filter((name) => !HARMLESS_CAPABILITIES.has(name)).map((value) => ({ setting: "capabilities", value }) as const),
    ...shared.map(([value]) => ({ setting: "namespaces", value }) as const),
    ...securityOptions
      .filter((option) => !HARMLESS_SECURITY_OPTION.test(option))
      .map((value) => ({ setting: "securityOptions", value }) as const),
  ];
}

export function isAllowed({ setting, value }: Demand, allowance: NodeAllowance): boolean {
  if (allowance.privileged && setting !== "bindPaths") return true;
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
