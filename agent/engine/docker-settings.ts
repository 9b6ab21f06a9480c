import { z } from "zod";
import { hashSettings } from "./settings-hash.ts";

const Words = z.array(z.string()).nullish();
const Amount = z.number().nullish();
const Text = z.string().nullish();

/** Where the settings stand in a container as the engine shows it, and in a request to create one. */
export const InspectedSettings = z.object({
  Config: z.object({
    Image: z.string(),
    Env: Words,
    Cmd: Words,
    Entrypoint: Words,
    User: Text,
    WorkingDir: Text,
    Hostname: Text,
    StopSignal: Text,
  }),
  HostConfig: z.object({
    Memory: Amount,
    MemoryReservation: Amount,
    MemorySwap: Amount,
    NanoCpus: Amount,
    CpuShares: Amount,
    CpuQuota: Amount,
    CpuPeriod: Amount,
    CpusetCpus: Text,
    PidsLimit: Amount,
    BlkioWeight: Amount,
    Mounts: z.array(z.object({ Type: z.string(), Source: Text, Target: z.string(), ReadOnly: z.boolean().nullish() })).nullish(),
    Privileged: z.boolean().nullish(),
    ReadonlyRootfs: z.boolean().nullish(),
    CapAdd: Words,
    CapDrop: Words,
    SecurityOpt: Words,
    NetworkMode: Text,
    IpcMode: Text,
    PidMode: Text,
    UTSMode: Text,
    CgroupnsMode: Text,
    UsernsMode: Text,
    Devices: z.array(z.object({ PathOnHost: z.string(), PathInContainer: z.string(), CgroupPermissions: z.string() })).nullish(),
    RestartPolicy: z.object({ Name: Text }).nullish(),
    PortBindings: z.record(z.string(), z.array(z.object({ HostIp: Text, HostPort: Text })).nullable()).nullish(),
  }),
});
export type InspectedSettings = z.infer<typeof InspectedSettings>;

/** What an image brings along, as `/images/NAME/json` shows it. */
export const ImageDetails = z.object({
  Id: z.string(),
  RepoDigests: z.array(z.string()).nullish(),
  Os: z.string(),
  Architecture: z.string(),
  Config: z.object({ Env: Words, Cmd: Words, Entrypoint: Words, User: Text, WorkingDir: Text, StopSignal: Text }).nullish(),
});
export type ImageDetails = z.infer<typeof ImageDetails>;

/** One hash over what we set; everything absent counts as the engine's default, so that versions which spell defaults differently agree. */
export function settingsOfInspected({ Config, HostConfig }: InspectedSettings): string {
  return hashSettings({
    image: Config.Image,
    environment: (Config.Env ?? []).toSorted(),
    command: Config.Cmd ?? [],
    entrypoint: Config.Entrypoint ?? [],
    user: Config.User ?? "",
    workingDirectory: Config.WorkingDir ?? "",
    hostname: Config.Hostname ?? "",
    stopSignal: Config.StopSignal ?? "",
    memoryBytes: HostConfig.Memory ?? 0,
    memoryReservationBytes: HostConfig.MemoryReservation ?? 0,
    memoryAndSwapBytes: HostConfig.MemorySwap ?? 0,
    nanoCpus: HostConfig.NanoCpus ?? 0,
    cpu: [HostConfig.CpuShares ?? 0, HostConfig.CpuQuota ?? 0, HostConfig.CpuPeriod ?? 0, HostConfig.CpusetCpus ?? ""],
    pids: Math.max(0, HostConfig.PidsLimit ?? 0),
    blockWeight: HostConfig.BlkioWeight ?? 0,
    privileged: HostConfig.Privileged ?? false,
    ...surroundings(HostConfig),
    restart: HostConfig.RestartPolicy?.Name || "no",
    ports: Object.entries(HostConfig.PortBindings ?? {})
      .flatMap(([port, bindings]) => (bindings ?? []).map((binding) => `${port} ${addressIn(binding)}${binding.HostPort ?? ""}`))
      .toSorted(),
  });
}

/** All addresses are one word less, as it was before a binding could have one of its own. */
function addressIn({ HostIp }: { readonly HostIp?: string | null | undefined }): string {
  return HostIp === undefined || HostIp === null || HostIp === "" || HostIp === "0.0.0.0" ? "" : `${HostIp}:`;
}

/** How a container is kept apart and what it is given, as far as it differs from how every container is: without such a word the hash stays what it was before there were any. */
function surroundings(host: InspectedSettings["HostConfig"]): Readonly<Record<string, unknown>> {
  const shared = ([host.NetworkMode, host.IpcMode, host.PidMode, host.UTSMode, host.CgroupnsMode, host.UsernsMode] as const).map(
    (mode) => mode === "host",
  );
  const devices = (host.Devices ?? []).map((device) => `${device.PathOnHost} ${device.PathInContainer} ${device.CgroupPermissions}`);
  return {
    readOnlyRoot: host.ReadonlyRootfs === true ? true : undefined,
    capAdd: unlessEmpty(host.CapAdd?.map(capabilityName)),
    capDrop: unlessEmpty(host.CapDrop?.map(capabilityName)),
    securityOptions: unlessEmpty(host.SecurityOpt),
    shared: shared.some((isShared) => isShared) ? shared : undefined,
    devices: unlessEmpty(devices),
    mounts: unlessEmpty(
      host.Mounts?.map(({ Type, Source, Target, ReadOnly }) => `${Type} ${Source ?? ""} ${Target} ${ReadOnly === true ? "ro" : "rw"}`),
    ),
  };
}

function unlessEmpty(items: readonly string[] | null | undefined): readonly string[] | undefined {
  return items === null || items === undefined || items.length === 0 ? undefined : items.toSorted();
}

/** Engines show it as it was given, or with the prefix. */
function capabilityName(name: string): string {
  return name.toUpperCase().replace(/^CAP_/, "");
}

/** What the engine will show of a container made so: it lays what we ask over what the image brings, as `docker run` does. */
export function settingsOfRequest(request: InspectedSettings, image: ImageDetails): string {
  const { Config, HostConfig } = request;
  const brought = image.Config ?? {};
  const named = new Set((Config.Env ?? []).map(variableName));
  const setsEntrypoint = Config.Entrypoint !== undefined && Config.Entrypoint !== null;
  return settingsOfInspected({
    HostConfig,
    Config: {
      ...Config,
      Env: [...(Config.Env ?? []), ...(brought.Env ?? []).filter((item) => !named.has(variableName(item)))],
      Entrypoint: setsEntrypoint ? Config.Entrypoint : brought.Entrypoint,
      // An entrypoint of our own drops the image's command.
      Cmd: Config.Cmd ?? (setsEntrypoint ? [] : brought.Cmd),
      User: Config.User || brought.User,
      WorkingDir: Config.WorkingDir || brought.WorkingDir,
      StopSignal: Config.StopSignal || brought.StopSignal,
    },
  });
}

function variableName(item: string): string {
  return item.split("=", 1)[0] ?? item;
}
