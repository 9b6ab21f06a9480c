import type { DeploymentSpec } from "../deployment/contract.ts";
import { COMPOSE_INTERVAL_MS, COMPOSE_RETRIES, COMPOSE_TIMEOUT_MS } from "./healthcheck.ts";
import { writeConstraints, writeMode, writeResources, writeRestart, writeRollout } from "./write-deploy.ts";
import { writeFiles, writeMounts, writeNetworks } from "./write-definitions.ts";
import { duration, named, type Part, under, type Writer, type Written } from "./write-part.ts";

/** Compose's default is another one, so other tools need the word. */
export const saidEvenIfUsual: ReadonlySet<keyof DeploymentSpec> = new Set(["restart"]);

/**
 * How Compose says a field of a deployment. A field without an entry, and a value that reading would take for another, is written under `x-odysseus`
 * instead: see `write-compose.ts`, which compares.
 */
export const writers: { readonly [Field in keyof DeploymentSpec]?: Writer<Field> } = {
  image: under("image"),
  pull: under("pull_policy"),
  entrypoint: (words) => ({ service: { entrypoint: words } }),
  command: (words) => ({ service: { command: words } }),
  environment: under("environment"),
  labels: under("labels"),
  deploymentLabels: (labels) => ({ service: { deploy: named("labels", labels) } }),
  ports: writePorts,
  health: writeHealth,
  user: under("user"),
  workingDirectory: under("working_dir"),
  stopSignal: under("stop_signal"),
  stopGraceMs: (ms) => ({ service: { stop_grace_period: duration(ms) } }),
  init: under("init"),
  tty: under("tty"),
  stdinOpen: under("stdin_open"),
  readOnlyRoot: under("read_only"),
  privileged: under("privileged"),
  hostname: under("hostname"),
  domainname: under("domainname"),
  groups: under("group_add"),
  capAdd: under("cap_add"),
  capDrop: under("cap_drop"),
  securityOptions: under("security_opt"),
  sysctls: under("sysctls"),
  ulimits: (limits) =>
    under("ulimits")(
      Object.fromEntries(Object.entries(limits).map(([name, { soft, hard }]) => [name, soft === hard ? soft : { soft, hard }])),
    ),
  extraHosts: under("extra_hosts"),
  dns: ({ servers, search, options }) => ({
    service: { ...named("dns", servers), ...named("dns_search", search), ...named("dns_opt", options) },
  }),
  annotations: under("annotations"),
  tmpfs: (mounts) => under("tmpfs")(mounts.map(({ target, options }) => (options === undefined ? target : `${target}:${options}`))),
  logging: writeLogging,
  namespaces: ({ network, users, ...others }) => ({
    service: { ...named("network_mode", network), ...named("userns_mode", users), ...others },
  }),
  devices: (devices) => under("devices")(devices.map(writeDevice)),
  deviceRules: under("device_cgroup_rules"),
  gpus: (gpus) => under("gpus")(gpus.map(({ ids, ...gpu }) => ({ ...gpu, ...named("device_ids", ids) }))),
  postStart: (hooks) => under("post_start")(hooks.map(writeHook)),
  preStop: (hooks) => under("pre_stop")(hooks.map(writeHook)),
  mounts: writeMounts,
  files: writeFiles,
  networks: writeNetworks,
  mode: writeMode,
  replicas: (replicas) => ({ service: { deploy: { replicas } } }),
  resources: writeResources,
  constraints: writeConstraints,
  maxReplicasPerNode: (most) => ({ service: { deploy: { placement: { max_replicas_per_node: most } } } }),
  run: writeMode,
  restart: writeRestart,
  rollout: writeRollout,
};

function writePorts(ports: DeploymentSpec["ports"]): Part {
  const published = ports.flatMap(({ containerPort, publishedPort, protocol, mode, address, appProtocol }) =>
    publishedPort === undefined
      ? []
      : [
          {
            target: containerPort,
            published: String(publishedPort),
            protocol,
            ...(mode === "host" && { mode }),
            ...named("host_ip", address),
            ...named("app_protocol", appProtocol),
          },
        ],
  );
  const open = ports.filter(({ publishedPort }) => publishedPort === undefined);
  return {
    service: {
      ...named("ports", published),
      ...named(
        "expose",
        open.map(({ containerPort, protocol }) => (protocol === "tcp" ? String(containerPort) : `${containerPort}/${protocol}`)),
      ),
    },
  };
}

function writeHealth(health: NonNullable<DeploymentSpec["health"]>): Part | undefined {
  if (health.kind !== "command") return undefined;
  const [shell, option, line, ...further] = health.command;
  const isLine = shell === "/bin/sh" && option === "-c" && line !== undefined && further.length === 0;
  const { intervalMs, timeoutMs, startPeriodMs, retries } = health;
  const healthcheck = {
    test: isLine ? ["CMD-SHELL", line] : ["CMD", ...health.command],
    ...(intervalMs !== COMPOSE_INTERVAL_MS && { interval: duration(intervalMs) }),
    ...(timeoutMs !== COMPOSE_TIMEOUT_MS && { timeout: duration(timeoutMs) }),
    ...(startPeriodMs !== 0 && { start_period: duration(startPeriodMs) }),
    ...(retries !== COMPOSE_RETRIES && { retries }),
  };
  return { service: { healthcheck } };
}

function writeLogging({ driver, maxFileBytes, maxFiles, compressed, bufferBytes }: NonNullable<DeploymentSpec["logging"]>): Part {
  const options = {
    ...(maxFileBytes !== undefined && { "max-size": String(maxFileBytes) }),
    ...(maxFiles !== undefined && { "max-file": String(maxFiles) }),
    ...(compressed !== undefined && { compress: String(compressed) }),
    ...(bufferBytes !== undefined && { mode: "non-blocking", "max-buffer-size": String(bufferBytes) }),
  };
  return { service: { logging: { driver, ...named("options", options) } } };
}

function writeDevice({ source, target, permissions }: NonNullable<DeploymentSpec["devices"]>[number]): string | Written {
  if (target === undefined) return permissions === "rwm" ? source : { source, permissions };
  return `${source}:${target}:${permissions}`;
}

function writeHook({ workingDirectory, ...hook }: NonNullable<DeploymentSpec["postStart"]>[number]): Written {
  return { ...hook, ...named("working_dir", workingDirectory) };
}
