import { z } from "zod";
import type { ObservedContainer } from "./port.ts";
import { InspectedSettings, settingsOfInspected } from "./docker-settings.ts";

const LOOPBACK = "127.0.0.1";

const State = z.enum(["created", "running", "paused", "restarting", "exited", "dead", "removing"]);
const Networks = z.record(z.string(), z.object({ IPAddress: z.string().default("") }).nullable()).nullish();
const Labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((labels) => labels ?? {});

export const ListedContainer = z.object({
  Id: z.string(),
  Names: z.array(z.string()).nullish(),
  State,
  Status: z.string().default(""),
  Labels,
  HostConfig: z.object({ NetworkMode: z.string().nullish() }).nullish(),
  NetworkSettings: z.object({ Networks }).nullish(),
});

export const InspectedContainer = z.object({
  Id: z.string(),
  Name: z.string(),
  State: z.object({
    Status: State,
    ExitCode: z.int(),
    Error: z.string().default(""),
    OOMKilled: z.boolean().default(false),
    Pid: z.int().default(0),
    StartedAt: z.string(),
    FinishedAt: z.string(),
  }),
  Config: z.object({ Labels, Tty: z.boolean().default(false), ...InspectedSettings.shape.Config.shape }),
  HostConfig: InspectedSettings.shape.HostConfig,
  NetworkSettings: z.object({ Networks }).nullish(),
});
export type InspectedContainer = z.infer<typeof InspectedContainer>;

/** Times, settings and the message of a failed start are what only `inspect` tells. */
export function observedFromList(item: z.infer<typeof ListedContainer>): ObservedContainer {
  const exitCode = /^Exited \((\d+)\)/.exec(item.Status)?.[1];
  return {
    containerId: item.Id,
    name: withoutSlash(item.Names?.[0] ?? ""),
    labels: item.Labels,
    state: item.State,
    exitCode: exitCode === undefined ? undefined : Number(exitCode),
    startedAtMs: undefined,
    finishedAtMs: undefined,
    error: "",
    address: addressIn(item.State, item),
    networks: Object.keys(item.NetworkSettings?.Networks ?? {}),
    settings: undefined,
  };
}

export function observedFromInspect(item: InspectedContainer): ObservedContainer {
  const { Status, ExitCode, Error: error, StartedAt, FinishedAt } = item.State;
  const hasEnded = Status === "exited" || Status === "dead" || (Status === "created" && error !== "");
  return {
    containerId: item.Id,
    name: withoutSlash(item.Name),
    labels: item.Config.Labels,
    state: Status,
    exitCode: hasEnded ? ExitCode : undefined,
    startedAtMs: momentMs(StartedAt),
    finishedAtMs: hasEnded ? momentMs(FinishedAt) : undefined,
    error,
    address: addressIn(Status, item),
    networks: Object.keys(item.NetworkSettings?.Networks ?? {}),
    settings: settingsOfInspected(item),
  };
}

/** The engine writes the year 1 for "never". */
function momentMs(text: string): number | undefined {
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) || atMs <= 0 ? undefined : atMs;
}

/** A container that failed to start keeps showing an address that may be another's by now. */
function addressIn(
  state: ObservedContainer["state"],
  { HostConfig, NetworkSettings }: Pick<z.infer<typeof ListedContainer>, "HostConfig" | "NetworkSettings">,
): string | undefined {
  if (state !== "running" && state !== "paused") return undefined;
  // On the node's own network it listens where the node does, and the agent is there too.
  if (HostConfig?.NetworkMode === "host") return LOOPBACK;
  const networks = NetworkSettings?.Networks;
  return Object.values(networks ?? {})
    .map((network) => network?.IPAddress ?? "")
    .find((address) => address !== "");
}

function withoutSlash(name: string): string {
  return name.startsWith("/") ? name.slice(1) : name;
}
