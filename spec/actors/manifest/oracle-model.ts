/** What Compose's own library makes of a project, as JSON. */
export type Model = Readonly<Record<string, unknown>>;
type Fields = Record<string, unknown>;

/** Two files that ask for the same come to the same: keys are names, older spellings the newer ones, and what says nothing is gone. */
export function canonical(model: Model): Model {
  const { services, ...rest } = tidy(model) as Fields;
  const defined = (section: string): Fields => fieldsOf(rest[section]);
  const names = (section: string) => (key: string) => {
    const { name } = fieldsOf(defined(section)[key]);
    return typeof name === "string" ? name : `${String(rest["name"])}_${key}`;
  };
  const canonicalServices = Object.entries(fieldsOf(services)).map(([name, service]) => [
    name,
    canonicalService(fieldsOf(service), {
      volumes: names("volumes"),
      networks: names("networks"),
      configs: names("configs"),
      secrets: names("secrets"),
    }),
  ]);
  const sections = ["volumes", "networks", "configs", "secrets"].map((section) => [
    section,
    Object.fromEntries(
      Object.entries(defined(section)).map(([key, definition]) => [names(section)(key), usualLeftOut(fieldsOf(definition))]),
    ),
  ]);
  return tidy({ name: rest["name"], services: Object.fromEntries(canonicalServices), ...Object.fromEntries(sections) }) as Model;
}

type Names = Readonly<Record<"volumes" | "networks" | "configs" | "secrets", (key: string) => string>>;

function canonicalService(service: Fields, names: Names): Fields {
  const { env_file: _variables, label_file: _labels, ...kept } = service;
  const { mem_limit, mem_reservation, cpus, pids_limit, scale, gpus, ...fields } = kept;
  const { cpu_quota, cpu_period, ...others } = fields;
  const deploy = fieldsOf(others["deploy"]);
  const resources = fieldsOf(deploy["resources"]);
  const { devices, ...reservations } = fieldsOf(resources["reservations"]);
  const quota = cpu_quota === undefined ? undefined : Number(cpu_quota) / Number(cpu_period ?? 100_000);
  const limits = { memory: mem_limit, cpus: cpus ?? quota, pids: pids_limit, ...fieldsOf(resources["limits"]) };
  const { mode, endpoint_mode, ...deployed } = deploy;
  const mounts = listOf(others["volumes"]).map(fieldsOf);
  const { interval, timeout, retries, ...check } = fieldsOf(others["healthcheck"]);
  return {
    ...others,
    gpus: [...listOf(gpus), ...listOf(devices)].map((gpu) => ({ capabilities: ["gpu"], ...fieldsOf(gpu) })),
    deploy: {
      replicas: scale,
      ...deployed,
      ...(mode !== "replicated" && { mode }),
      ...(endpoint_mode !== "vip" && { endpoint_mode }),
      placement: {
        ...fieldsOf(deploy["placement"]),
        constraints: texts(fieldsOf(deploy["placement"])["constraints"], (rule) => rule.replaceAll(/\s/g, "")),
      },
      resources: { limits, reservations: { memory: mem_reservation, ...reservations } },
    },
    volumes: mounts
      .filter(({ type }) => type !== "tmpfs")
      .map((mount) => canonicalMount(mount, names))
      .toSorted(byJson),
    tmpfs: [...texts(others["tmpfs"], (text) => text), ...mounts.filter(({ type }) => type === "tmpfs").map(tmpfsOf)].toSorted(),
    networks: Object.fromEntries(Object.entries(fieldsOf(others["networks"])).map(([key, joined]) => [names.networks(key), joined ?? {}])),
    configs: listOf(others["configs"]).map((file) => canonicalFile(fieldsOf(file), names.configs, "")),
    secrets: listOf(others["secrets"]).map((file) => canonicalFile(fieldsOf(file), names.secrets, "/run/secrets")),
    ports: listOf(others["ports"])
      .map((port) => canonicalPort(fieldsOf(port)))
      .toSorted(byJson),
    expose: texts(others["expose"], (port) => port)
      .flatMap(withoutRange)
      .toSorted(),
    healthcheck: {
      ...check,
      ...(interval !== "30s" && { interval }),
      ...(timeout !== "30s" && { timeout }),
      ...(retries !== 3 && { retries }),
    },
    security_opt: texts(others["security_opt"], (option) => option.replace(/^([^:=]+):/, "$1=")),
    logging: canonicalLogging(fieldsOf(others["logging"])),
  };
}

function canonicalMount({ source, ...mount }: Fields, names: Names): Fields {
  return { ...mount, source: mount["type"] === "volume" && typeof source === "string" ? names.volumes(source) : source };
}

function tmpfsOf(mount: Fields): string {
  const { size, mode } = fieldsOf(mount["tmpfs"]);
  const options = [
    ...(mount["read_only"] === true ? ["ro"] : []),
    ...(size === undefined ? [] : [`size=${Number(size)}`]),
    ...(mode === undefined ? [] : [`mode=${Number(mode).toString(8)}`]),
  ];
  return [String(mount["target"]), ...(options.length === 0 ? [] : [options.join(",")])].join(":");
}

/** A target that is not written is the name it has in the manifest, in the folder of its kind. */
function canonicalFile(file: Fields, nameOf: (key: string) => string, folder: string): Fields {
  const { source, target = source } = file;
  const path = String(target);
  return { ...file, source: nameOf(String(source)), target: path.startsWith("/") ? path : `${folder}/${path}` };
}

function canonicalPort({ host_ip, mode, name: _label, ...port }: Fields): Fields {
  return {
    ...port,
    ...(host_ip !== "0.0.0.0" && { host_ip }),
    ...(mode !== "ingress" && host_ip !== "127.0.0.1" && host_ip !== "::1" && { mode }),
  };
}

function canonicalLogging(logging: Fields): Fields {
  const options = fieldsOf(logging["options"]);
  const amount = (text: unknown): unknown =>
    typeof text === "string"
      ? text.replace(/^(\d+)([kmg])b?$/i, (_all, digits: string, unit: string) =>
          String(Number(digits) * 1_000 ** ("kmg".indexOf(unit.toLowerCase()) + 1)),
        )
      : text;
  return { ...logging, options: { ...options, "max-size": amount(options["max-size"]) } };
}

function usualLeftOut({ driver, ipam, ...definition }: Fields): Fields {
  const { driver: chooses, ...addresses } = fieldsOf(ipam);
  return {
    ...definition,
    ipam: { ...addresses, ...(chooses !== "default" && { driver: chooses }) },
    ...(driver !== "local" && driver !== "bridge" && driver !== "default" && { driver }),
  };
}

function withoutRange(port: string): readonly string[] {
  const [, first, last, rest = ""] = /^(\d+)-(\d+)(.*)$/.exec(port) ?? [];
  if (first === undefined) return [port];
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => `${Number(first) + index}${rest}`);
}

/** Without what is empty, and without extension fields. */
function tidy(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((item) => tidy(item) ?? item);
  if (typeof value !== "object" || value === null) return value ?? undefined;
  const fields = Object.entries(value).flatMap(([name, field]) => {
    const kept = name === "environment" ? variables(field) : tidy(field);
    return kept === undefined || name.startsWith("x-") || name.startsWith("#") ? [] : [[name, kept] as const];
  });
  return fields.length === 0 ? undefined : Object.fromEntries(fields);
}

/** A variable without a value says something: it is not set. */
function variables(value: unknown): unknown {
  const given = Object.entries(fieldsOf(value));
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function texts(value: unknown, map: (text: string) => string): readonly string[] {
  return listOf(value).map((item) => map(String(item)));
}

function byJson(left: unknown, right: unknown): number {
  return JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
