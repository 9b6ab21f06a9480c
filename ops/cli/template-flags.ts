import type { DeploymentSpecInput } from "../../actors/deployment/contract.ts";
import { paceOf } from "../../actors/manifest/pace.ts";
import { cpuMillis, durationMs, sizeBytes } from "../../actors/manifest/quantities.ts";
import { type HealthInput, healthFrom } from "./health-flag.ts";
import { portFrom, routeFrom } from "./ingress-flags.ts";
import { type Options, text, texts, whole } from "./session.ts";
import { usage } from "./stop.ts";

/** The fields a command line says; nested ones are partial, as said. */
export interface SpokenTemplate {
  readonly image?: string;
  readonly pull?: "never" | "missing";
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly unsetEnvironment: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly ports?: DeploymentSpecInput["ports"];
  readonly routes?: DeploymentSpecInput["routes"];
  readonly health?: HealthInput | "none";
  readonly healthTimes: Readonly<Record<string, number>>;
  readonly resources: Readonly<Record<string, number>>;
  readonly constraints?: readonly Readonly<Record<string, unknown>>[];
  readonly rollout: Readonly<Record<string, unknown>>;
  readonly plain: Readonly<Record<string, unknown>>;
}

export function spokenTemplate(options: Options, command: readonly string[]): SpokenTemplate {
  const image = text(options, "image");
  const pull = text(options, "pull");
  const entrypoint = texts(options, "entrypoint");
  const health = text(options, "health");
  const constraints = texts(options, "constraint");
  const ports = texts(options, "publish");
  const routes = texts(options, "route");
  return {
    ...(image !== undefined && { image }),
    ...(pull !== undefined && { pull: pull === "never" ? "never" : "missing" }),
    ...(command.length > 0 && { command }),
    ...(entrypoint !== undefined && { entrypoint }),
    environment: pairs(texts(options, "env") ?? [], "--env"),
    unsetEnvironment: texts(options, "unsetEnv") ?? [],
    labels: pairs(texts(options, "label") ?? [], "--label"),
    ...(ports !== undefined && { ports: ports.map(portFrom) }),
    ...(routes !== undefined && { routes: routes.map(routeFrom) }),
    ...(health !== undefined && { health: health === "none" ? "none" : healthFrom(health) }),
    healthTimes: said({
      intervalMs: duration(options, "healthInterval", "--health-interval"),
      timeoutMs: duration(options, "healthTimeout", "--health-timeout"),
      startPeriodMs: duration(options, "healthStartPeriod", "--health-start-period"),
      retries: whole(text(options, "healthRetries"), "--health-retries"),
    }),
    resources: said({
      cpuLimitMillis: amount(options, "cpus", "--cpus", cpuMillis, "0.5"),
      memoryLimitBytes: amount(options, "memory", "--memory", sizeBytes, "512M"),
      cpuReservedMillis: amount(options, "reserveCpus", "--reserve-cpus", cpuMillis, "0.5"),
      memoryReservedBytes: amount(options, "reserveMemory", "--reserve-memory", sizeBytes, "512M"),
    }),
    ...(constraints !== undefined && { constraints: constraints.map(constraint) }),
    rollout: said({
      maxSurge: share(text(options, "maxSurge")),
      maxUnavailable: share(text(options, "maxUnavailable")),
      minHealthyMs: duration(options, "minHealthy", "--min-healthy"),
      delayMs: duration(options, "updateDelay", "--update-delay"),
      rollback: wayBack(options),
      wholeDeadlineMs: duration(options, "deadline", "--deadline"),
      onFailure: text(options, "onFailure"),
    }),
    plain: said({
      mode: text(options, "mode"),
      maxReplicasPerNode: whole(text(options, "maxReplicasPerNode"), "--max-replicas-per-node"),
      partition: text(options, "partition"),
      user: text(options, "user"),
      workingDirectory: text(options, "workdir"),
      stopSignal: text(options, "stopSignal"),
      stopGraceMs: duration(options, "stopGrace", "--stop-grace"),
      drainMs: duration(options, "drain", "--drain"),
    }),
  };
}

/** What the way back to the revision has of its own; undefined: nothing. */
function wayBack(options: Options): Readonly<Record<string, unknown>> | undefined {
  const parallelism = whole(text(options, "rollbackParallelism"), "--rollback-parallelism");
  const order = text(options, "rollbackOrder");
  const delayMs = duration(options, "rollbackDelay", "--rollback-delay");
  const isPaced = parallelism !== undefined || order !== undefined;
  const pace = isPaced ? paceOf(parallelism ?? 1, order === "stop-first" ? order : "start-first") : {};
  return isPaced || delayMs !== undefined ? { ...pace, ...said({ delayMs }) } : undefined;
}

function said<Value>(values: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, Value] => entry[1] !== undefined));
}

function pairs(items: readonly string[], flag: string): Record<string, string> {
  const entries = items.map((item): [string, string] => {
    const at = item.indexOf("=");
    if (at < 1) throw usage(`${flag} ${item}: write NAME=VALUE.`);
    return [item.slice(0, at), item.slice(at + 1)];
  });
  return Object.fromEntries(entries);
}

export function duration(options: Options, name: string, flag: string): number | undefined {
  return amount(options, name, flag, durationMs, "30s or 1m30s");
}

function amount(
  options: Options,
  name: string,
  flag: string,
  read: (text: string) => number | undefined,
  like: string,
): number | undefined {
  const given = text(options, name);
  if (given === undefined) return undefined;
  const value = read(given);
  if (value === undefined) throw usage(`${flag} ${given}: write an amount like ${like}.`);
  return value;
}

function share(given: string | undefined): number | string | undefined {
  return given !== undefined && /^\d+$/.test(given) ? Number(given) : given;
}

/** `zone==eu`, `zone!=eu`, `zone in eu,us`, `zone notin eu`, `ssd` (exists). */
export function constraint(item: string): Record<string, unknown> {
  const equality = /^\s*([^\s=!]+)\s*(==|!=)\s*(.*?)\s*$/.exec(item);
  if (equality !== null) return { key: equality[1], operator: equality[2], value: equality[3] };
  const set = /^\s*(\S+)\s+(in|notin)\s+(.+?)\s*$/.exec(item);
  if (set !== null) return { key: set[1], operator: set[2], values: (set[3] ?? "").split(/\s*,\s*/) };
  if (/^\s*[^\s=!]+\s*$/.test(item)) return { key: item.trim(), operator: "exists" };
  throw usage(`--constraint "${item}": write zone==eu, zone!=eu, "zone in eu,us", "zone notin eu", or zone alone for "exists".`);
}
