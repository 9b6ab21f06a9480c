import type { ContainerSettings, FurtherLimits } from "../../actors/deployment/container-contract.ts";
import type { InspectedSettings } from "./docker-settings.ts";
import { engineName } from "./docker-images.ts";
import { endpointOf } from "./docker-networks.ts";
import type { DesiredContainer, EngineMount } from "./port.ts";

const NANO_CPUS_PER_MILLI = 1_000_000;
/** Kept of a container's output unless it says otherwise: three files of 10 MB. Older lines are gone. */
const LOG_FILE_BYTES = 10_000_000;
const LOG_FILES = 3;

/** What is asked of the engine; apart from what the hash of settings is made over, the rest. */
export type CreateRequest = InspectedSettings & {
  readonly rest: Readonly<Record<string, unknown>>;
  readonly hostRest: Readonly<Record<string, unknown>>;
};

export function requestFor(desired: DesiredContainer): CreateRequest {
  const { settings, limits } = desired;
  return {
    Config: {
      Image: engineName(desired.image),
      Env: Object.entries(desired.environment).map(([name, value]) => `${name}=${value}`),
      Cmd: desired.command === undefined ? undefined : [...desired.command],
      Entrypoint: desired.entrypoint === undefined ? undefined : [...desired.entrypoint],
      User: desired.user,
      WorkingDir: desired.workingDirectory,
      Hostname: desired.hostname,
      StopSignal: desired.stopSignal,
    },
    HostConfig: {
      ...resourcesOf(desired, limits),
      ...isolationOf(settings),
      ...(desired.networks[0] !== undefined && { NetworkMode: desired.networks[0].name }),
      ...(desired.mounts.length > 0 && { Mounts: desired.mounts.map(mountOf) }),
      // Restarts are the agent's: it counts them, keeps their evidence and backs off.
      RestartPolicy: { Name: "no" },
      PortBindings: settings.namespaces?.network === undefined ? bindingsOf(desired) : {},
    },
    rest: {
      ExposedPorts: Object.fromEntries(desired.ports.map((port) => [`${port.containerPort}/${port.protocol}`, {}])),
      StopTimeout: Math.ceil(desired.stopGraceMs / 1_000),
      // Probes are the agent's; the image's own would only cost processor time.
      Healthcheck: { Test: ["NONE"] },
      Domainname: settings.domainname,
      Tty: settings.tty,
      OpenStdin: settings.stdinOpen,
    },
    hostRest: { LogConfig: logConfigOf(settings.logging), ...surroundingsOf(settings, limits) },
  };
}

/** As `Mounts`, not `Binds`: a source that is missing is an error, unless it is to be made. */
function mountOf(mount: EngineMount): NonNullable<CreateRequest["HostConfig"]["Mounts"]>[number] & Readonly<Record<string, unknown>> {
  switch (mount.kind) {
    case "anonymous":
      return { Type: "volume", Target: mount.target };
    case "volume":
      return {
        Type: "volume",
        Source: mount.name,
        Target: mount.target,
        ReadOnly: mount.readOnly,
        VolumeOptions: {
          NoCopy: mount.noCopy,
          ...(mount.subpath !== undefined && { Subpath: mount.subpath }),
          ...(mount.make !== undefined && {
            Labels: mount.make.labels,
            DriverConfig: { Name: "local", Options: mount.make.driverOptions },
          }),
        },
      };
    case "bind":
      return {
        Type: "bind",
        Source: mount.source,
        Target: mount.target,
        ReadOnly: mount.readOnly,
        BindOptions: {
          CreateMountpoint: mount.createSource,
          NonRecursive: mount.shallow,
          ...(mount.propagation !== undefined && { Propagation: mount.propagation }),
        },
      };
  }
}

function bindingsOf({ ports }: DesiredContainer): CreateRequest["HostConfig"]["PortBindings"] {
  const published = ports.filter((port) => port.publishedPort !== undefined);
  const bindings = Object.groupBy(published, (port) => `${port.containerPort}/${port.protocol}`);
  return Object.fromEntries(
    Object.entries(bindings).map(([port, items]) => [
      port,
      (items ?? []).map((item) => ({ HostIp: item.address ?? "", HostPort: String(item.publishedPort) })),
    ]),
  );
}

/** Without a word about swap, a limit on memory is one on both together. */
function resourcesOf(
  { memoryLimitBytes, cpuLimitMillis }: DesiredContainer,
  { memorySwapLimitBytes, cpuShares, cpuset, pidsLimit, blockWeight }: FurtherLimits,
): Partial<CreateRequest["HostConfig"]> {
  return {
    ...(memoryLimitBytes !== undefined && { Memory: memoryLimitBytes, MemorySwap: memorySwapLimitBytes ?? memoryLimitBytes }),
    ...(cpuLimitMillis !== undefined && { NanoCpus: cpuLimitMillis * NANO_CPUS_PER_MILLI }),
    ...(cpuShares !== undefined && { CpuShares: cpuShares }),
    ...(cpuset !== undefined && { CpusetCpus: cpuset }),
    ...(pidsLimit !== undefined && { PidsLimit: pidsLimit }),
    ...(blockWeight !== undefined && { BlkioWeight: blockWeight }),
  };
}

/** What keeps the container apart from its node and from others. */
function isolationOf(settings: ContainerSettings): Partial<CreateRequest["HostConfig"]> {
  const { namespaces = {} } = settings;
  return {
    Privileged: settings.privileged,
    ReadonlyRootfs: settings.readOnlyRoot,
    CapAdd: settings.capAdd,
    CapDrop: settings.capDrop,
    SecurityOpt: settings.securityOptions,
    NetworkMode: namespaces.network,
    IpcMode: namespaces.ipc,
    PidMode: namespaces.pid,
    UTSMode: namespaces.uts,
    CgroupnsMode: namespaces.cgroup,
    UsernsMode: namespaces.users,
    Devices: settings.devices?.map(({ source, target, permissions }) => ({
      PathOnHost: source,
      PathInContainer: target ?? source,
      CgroupPermissions: permissions,
    })),
  };
}

function surroundingsOf(settings: ContainerSettings, limits: FurtherLimits): Readonly<Record<string, unknown>> {
  return {
    Init: settings.init,
    GroupAdd: settings.groups,
    Sysctls: settings.sysctls,
    Ulimits: settings.ulimits && Object.entries(settings.ulimits).map(([Name, { soft, hard }]) => ({ Name, Soft: soft, Hard: hard })),
    ExtraHosts: settings.extraHosts,
    Dns: settings.dns?.servers,
    DnsSearch: settings.dns?.search,
    DnsOptions: settings.dns?.options,
    Tmpfs: settings.tmpfs && Object.fromEntries(settings.tmpfs.map(({ target, options }) => [target, options ?? ""])),
    DeviceCgroupRules: settings.deviceRules,
    DeviceRequests: settings.gpus?.map(({ driver, count, ids, capabilities, options }) => ({
      Driver: driver ?? "",
      ...(count !== undefined && { Count: count }),
      ...(ids !== undefined && { DeviceIDs: ids }),
      Capabilities: [capabilities],
      Options: options ?? {},
    })),
    Annotations: settings.annotations,
    ShmSize: limits.shmSizeBytes,
    MemorySwappiness: limits.memorySwappiness,
    OomScoreAdj: limits.oomScoreAdjust,
    OomKillDisable: limits.oomKillDisabled,
  };
}

function logConfigOf(logging: ContainerSettings["logging"]): { readonly Type: string; readonly Config: Readonly<Record<string, string>> } {
  return {
    Type: logging?.driver ?? "json-file",
    Config: {
      "max-size": `${logging?.maxFileBytes ?? LOG_FILE_BYTES}`,
      "max-file": `${logging?.maxFiles ?? LOG_FILES}`,
      ...(logging?.compressed !== undefined && { compress: String(logging.compressed) }),
      ...(logging?.bufferBytes !== undefined && { mode: "non-blocking", "max-buffer-size": `${logging.bufferBytes}` }),
    },
  };
}

/** Engines before 25 take one network when a container is made. */
export function networkingOf({ networks: [first] }: DesiredContainer): Readonly<Record<string, unknown>> {
  return first === undefined ? {} : { NetworkingConfig: { EndpointsConfig: { [first.name]: endpointOf(first) } } };
}
