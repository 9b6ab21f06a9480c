import { parseMount } from "./mount-syntax.ts";
import { parsePort } from "./port-syntax.ts";
import { mapValue, scalarValue, type Value } from "./value.ts";

/** How two values of one field are merged. */
export type MergeRule =
  | { readonly kind: "plain" }
  /** The later one stands alone. */
  | { readonly kind: "replace" }
  /** A list of `NAME=VALUE`, or of names, and a mapping are the same. */
  | { readonly kind: "pairs"; readonly named: (item: Value) => Value }
  /** As `pairs`, and a later name without a value takes the place of an earlier one with a value. */
  | { readonly kind: "texts" }
  /** A text and a list of one are the same. */
  | { readonly kind: "append" }
  /** As `append`, and an item takes the place of an earlier one with the same key, or is merged with it. */
  | { readonly kind: "keyed"; readonly keyOf: (item: Value) => string; readonly isMerged?: true }
  /** A mapping of names to addresses is a list of `NAME:ADDRESS`, whose items are those of both. */
  | { readonly kind: "hosts" }
  /** Merged while the driver is the same, else replaced. */
  | { readonly kind: "driver" }
  /** A text is a mapping with this field alone. */
  | { readonly kind: "wrapped"; readonly field: string };

const plain: MergeRule = { kind: "plain" };
const replace: MergeRule = { kind: "replace" };
const texts: MergeRule = { kind: "texts" };
const names = (made: (item: Value) => ReadonlyMap<string, Value>): MergeRule => ({
  kind: "pairs",
  named: (item) => mapValue(item.origin, made(item)),
});
const keyed = (keyOf: (item: Value) => string): MergeRule => ({ kind: "keyed", keyOf });
const byText = keyed(textOf);
const byTarget = keyed((item) => field(item, "target") ?? parseMount(textOf(item))?.target ?? textOf(item));
const bySource = keyed((item) => field(item, "target") ?? field(item, "source") ?? textOf(item));

const inService: Readonly<Record<string, MergeRule>> = {
  command: replace,
  entrypoint: replace,
  "healthcheck.test": replace,
  environment: texts,
  labels: texts,
  annotations: texts,
  sysctls: texts,
  "deploy.labels": texts,
  "build.args": texts,
  "build.labels": texts,
  "build.additional_contexts": texts,
  "build.ssh": texts,
  build: { kind: "wrapped", field: "context" },
  extends: { kind: "wrapped", field: "service" },
  logging: { kind: "driver" },
  depends_on: names((item) => new Map([["condition", scalarValue(item.origin, "string", "service_started")]])),
  networks: names(() => new Map()),
  models: names(() => new Map()),
  "ulimits.*": replace,
  ports: keyed(portKey),
  volumes: byTarget,
  devices: byTarget,
  configs: bySource,
  secrets: bySource,
  env_file: keyed((item) => field(item, "path") ?? textOf(item)),
  label_file: byText,
  dns: byText,
  dns_opt: byText,
  dns_search: byText,
  tmpfs: byText,
  expose: byText,
  cap_add: byText,
  cap_drop: byText,
  security_opt: byText,
  group_add: byText,
  links: byText,
  external_links: byText,
  volumes_from: byText,
  profiles: byText,
  extra_hosts: { kind: "hosts" },
  device_cgroup_rules: byText,
  "networks.*.aliases": byText,
};

/** Below a name in `networks`, `volumes`, `configs` or `secrets`. */
const inDefinition: Readonly<Record<string, MergeRule>> = {
  labels: texts,
  "ipam.config": { kind: "keyed", keyOf: (item) => field(item, "subnet") ?? textOf(item), isMerged: true },
};

/** `path` is that of the value in its file, like `services`, `web`, `ports`. */
export function ruleFor(path: readonly string[]): MergeRule {
  const [section, , ...inner] = path;
  if (section !== "services") return Object.hasOwn(inDefinition, inner.join(".")) ? (inDefinition[inner.join(".")] ?? plain) : plain;
  const [field = "", child, ...deeper] = inner;
  const isNamed = (field === "ulimits" || field === "networks") && child !== undefined;
  const general = isNamed ? [field, "*", ...deeper].join(".") : inner.join(".");
  return Object.hasOwn(inService, general) ? (inService[general] ?? plain) : plain;
}

function portKey(item: Value): string {
  if (item.kind !== "map") {
    const parsed = parsePort(textOf(item));
    return parsed === undefined ? textOf(item) : `${parsed.address}:${parsed.published}:${parsed.target}/${parsed.protocol}`;
  }
  return `${field(item, "host_ip") ?? ""}:${field(item, "published") ?? ""}:${field(item, "target") ?? ""}/${field(item, "protocol") ?? "tcp"}`;
}

function field(item: Value, name: string): string | undefined {
  const value = item.kind === "map" ? item.fields.get(name) : undefined;
  return value?.kind === "scalar" ? value.text : undefined;
}

function textOf(item: Value): string {
  return item.kind === "scalar" ? item.text : JSON.stringify([...(item.kind === "map" ? item.fields.keys() : [])]);
}
