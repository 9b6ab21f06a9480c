import type { DeploymentSpec } from "../deployment/contract.ts";

/** A part of a service, as Compose writes it. */
export type Written = Readonly<Record<string, unknown>>;
type Writer<Field extends keyof DeploymentSpec> = (value: NonNullable<DeploymentSpec[Field]>) => Written;

const under =
  (name: string) =>
  (value: unknown): Written =>
    isNothing(value) ? {} : { [name]: value };

/**
 * How Compose says a field of a deployment. A field without an entry, and a value that reading would take for another, is written under `x-odysseus`
 * instead: see `write-compose.ts`, which compares.
 */
export const writers: { readonly [Field in keyof DeploymentSpec]?: Writer<Field> } = {
  image: under("image"),
  entrypoint: (words) => ({ entrypoint: words }),
  command: (words) => ({ command: words }),
  environment: under("environment"),
  labels: under("labels"),
  deploymentLabels: (labels) => ({ deploy: under("labels")(labels) }),
  ports: (ports) => ({
    ...under("ports")(
      ports.flatMap(({ containerPort, publishedPort, protocol }) =>
        publishedPort === undefined ? [] : [{ target: containerPort, published: String(publishedPort), protocol }],
      ),
    ),
    ...under("expose")(
      ports.flatMap(({ containerPort, publishedPort, protocol }) => (publishedPort === undefined ? [`${containerPort}/${protocol}`] : [])),
    ),
  }),
  health: (health) =>
    health.kind !== "command"
      ? {}
      : {
          healthcheck: {
            test: ["CMD", ...health.command],
            interval: `${health.intervalMs}ms`,
            timeout: `${health.timeoutMs}ms`,
            start_period: `${health.startPeriodMs}ms`,
            retries: health.retries,
          },
        },
  user: under("user"),
  workingDirectory: under("working_dir"),
  stopSignal: under("stop_signal"),
  stopGraceMs: (stopGraceMs) => ({ stop_grace_period: `${stopGraceMs}ms` }),
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
  ulimits: under("ulimits"),
  extraHosts: under("extra_hosts"),
  annotations: under("annotations"),
  tmpfs: (mounts) => under("tmpfs")(mounts.map(({ target, options }) => (options === undefined ? target : `${target}:${options}`))),
  replicas: (replicas) => ({ deploy: { replicas } }),
  resources: ({ cpuLimitMillis, memoryLimitBytes, cpuReservedMillis, memoryReservedBytes }) => {
    const limits = { ...processors(cpuLimitMillis), ...memory(memoryLimitBytes) };
    const reservations = { ...processors(cpuReservedMillis), ...memory(memoryReservedBytes) };
    return { deploy: under("resources")({ ...under("limits")(limits), ...under("reservations")(reservations) }) };
  },
  constraints: (constraints) => ({
    deploy: {
      placement: {
        constraints: constraints.map((rule) => ("value" in rule ? `${labelled(rule.key)} ${rule.operator} ${rule.value}` : rule.key)),
      },
    },
  }),
};

function processors(millis: number | undefined): Written {
  return millis === undefined || millis === 0 ? {} : { cpus: String(millis / 1_000) };
}

function memory(bytes: number | undefined): Written {
  return bytes === undefined || bytes === 0 ? {} : { memory: String(bytes) };
}

function labelled(key: string): string {
  return /^node\.(id|hostname|platform\.os|platform\.arch)$/.test(key) ? key : `node.labels.${key}`;
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
