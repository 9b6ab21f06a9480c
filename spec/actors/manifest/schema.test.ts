import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readProject } from "../../../actors/manifest/read-compose.ts";
import { supportedFields } from "../../../actors/manifest/support.ts";
import { requireCapability } from "../../support/capability.ts";
import { composeFixtures, describeComposeFixtures } from "../../support/compose-fixtures.ts";
import { ComposeOracle } from "../../support/compose-oracle.ts";

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

/** What asks for something, where a value made from the schema would be no amount, or what Compose does anyway. */
const samples: Readonly<Record<string, unknown>> = {
  image: "other:1",
  "services.web.extends": "base",
  "services.web.extends.service": "third",
  "services.web.cgroup": "host",
  "services.web.extends.file": "base.yaml",
  "services.web.env_file": "a.env",
  "services.web.env_file.0.path": "b.env",
  "services.web.env_file.0.format": "raw",
  "services.web.env_file.0.required": false,
  "services.web.label_file": "a.env",
  "services.web.profiles": ["debug"],
  "services.web.restart": "on-failure",
  "services.web.pull_policy": "never",
  "services.web.healthcheck": { test: "x" },
  "services.web.healthcheck.test": "y",
  "services.web.ports": [8080],
  "services.web.expose": ["90"],
  "services.web.platform": "linux/arm64",
  "services.web.command": "x",
  "services.web.entrypoint": "x",
  "services.web.scale": 3,
  "services.web.deploy.mode": "global",
  "services.web.deploy.endpoint_mode": "vip",
  "services.web.deploy.replicas": 3,
  "services.web.deploy.restart_policy.condition": "none",
  "services.web.deploy.placement.constraints": ["node.labels.a == b"],
  "services.web.deploy.update_config.order": "stop-first",
  "services.web.deploy.update_config.failure_action": "pause",
  "services.web.deploy.update_config.parallelism": 3,
  "services.web.ports.0.protocol": "udp",
  "services.web.ports.0.mode": "ingress",
  "services.web.depends_on": ["base"],
  "services.web.depends_on.base.condition": "service_completed_successfully",
  "services.web.networks": ["front"],
  "services.web.volumes": ["data:/data"],
  "services.web.volumes.0.type": "tmpfs",
  "services.web.volumes.0.source": "other",
  "services.web.volumes.0.target": "/elsewhere",
  "services.web.volumes.0.bind": { create_host_path: false },
  "services.web.volumes.0.bind.create_host_path": false,
  "services.web.volumes.0.bind.propagation": "rslave",
  "services.web.volumes.0.bind.recursive": "disabled",
  "services.web.volumes.0.volume": { nocopy: true },
  "services.web.volumes.0.tmpfs": { size: "1m" },
  "services.web.volumes.0.tmpfs.size": "1m",
  "services.web.volumes.0.tmpfs.mode": "1777",
  "services.web.configs": ["conf"],
  "services.web.secrets": ["pass"],
  "services.web.configs.0.source": "other",
  "services.web.secrets.0.source": "other",
  "services.web.configs.0.uid": "7",
  "services.web.secrets.0.uid": "7",
  "services.web.configs.0.gid": "7",
  "services.web.secrets.0.gid": "7",
  "services.web.configs.0.mode": "0400",
  "services.web.secrets.0.mode": "0400",
  configs: { conf: { template_driver: "far" } },
  secrets: { pass: { driver: "far" } },
  volumes: { "not a name": { driver: "far" } },
  "services.web.logging": { driver: "syslog" },
  "services.web.runtime": "crun",
  "services.web.network_mode": "host",
  "services.web.pid": "host",
  "services.web.ipc": "shareable",
  "services.web.uts": "host",
  "services.web.userns_mode": "host",
  "services.web.cap_add": ["NET_ADMIN"],
  "services.web.cap_drop": ["CAP_CHOWN"],
  "services.web.security_opt": ["no-new-privileges:true"],
  "services.web.sysctls": { "net.core.somaxconn": 1024 },
  "services.web.ulimits": { nofile: { soft: 1024, hard: 2048 } },
  "services.web.extra_hosts": ["far:10.0.0.1"],
  "services.web.tmpfs": "/run:size=1m",
  "services.web.cpuset": "0-1",
  "services.web.cpu_quota": 50_000,
  "services.web.memswap_limit": "64m",
  "services.web.shm_size": "64m",
  "services.web.oom_score_adj": -500,
  "services.web.gpus": "all",
  "services.web.devices": ["/dev/snd"],
  "services.web.devices.0.permissions": "r",
  "services.web.devices.0.target": "/dev/other",
  "services.web.device_cgroup_rules": ["c 10:* rwm"],
  "services.web.blkio_config.weight": 500,
  "services.web.stop_signal": "SIGINT",
  "services.web.mem_limit": "64m",
  "services.web.mem_reservation": "64m",
  "services.web.cpus": 0.5,
  include: ["base.yaml"],
  networks: { default: { internal: true } },
  services: { web: { image: "other" } },
};
const amounts: Readonly<Record<string, unknown>> = {
  memory: "64m",
  cpus: "0.5",
  interval: "7s",
  timeout: "7s",
  start_period: "7s",
  stop_grace_period: "7s",
  monitor: "7s",
};

/** What stands beside a field within another one, so that the whole means something without it. */
const beside: Readonly<Record<string, object>> = {
  "services.web.healthcheck": { test: ["CMD", "x"] },
  "services.web.ports.0": { target: 80, published: 8080 },
  "services.web.env_file.0": { path: "a.env" },
  "services.web.deploy.update_config": { failure_action: "rollback" },
  "services.web.extends": { service: "base" },
  "services.web.devices.0": { source: "/dev/snd" },
  "services.web.post_start.0": { command: ["x"] },
  "services.web.pre_stop.0": { command: ["x"] },
  "services.web.configs.0": { source: "conf" },
  "services.web.secrets.0": { source: "pass" },
  "services.web.volumes.0": { source: "data", target: "/data" },
};

/** Options of one type of mount say nothing to another. */
const mounts: Readonly<Record<string, object>> = {
  bind: { type: "bind", source: "/srv", target: "/data" },
  tmpfs: { type: "tmpfs", target: "/data" },
};

/** A name that is shown nowhere, and what matters only where the other service or the file is absent (told in tests of their own). */
const withoutEffect = new Set(["services.web.ports.0.name", "services.web.env_file.0.required", "services.web.depends_on.base.required"]);

const files: Readonly<Record<string, string>> = {
  "a.env": 'A="1"',
  "b.env": "B=2",
  "base.yaml": "services: {base: {image: far, user: far}, web: {image: base}}",
};

type Path = readonly (string | number)[];

const NONE_IS_SILENT = "is honoured, or reported at its place, at every depth; none is passed over in silence or unknown";

describeComposeFixtures("each field of the Compose Specification", () => {
  test(NONE_IS_SILENT, () => {
    const { silent, unknown, seen } = fieldsOf(
      JSON.parse(readFileSync(join(composeFixtures, "compose-spec.schema.json"), "utf8")) as Schema,
    );
    expect({ silent, unknown }).toEqual({ silent: [], unknown: [] });
    expect(seen.length).toBeGreaterThan(140);
  });
});

const describeWithOracle = await requireCapability("composeOracle");

describeWithOracle("each field that Compose's own library knows", () => {
  test(NONE_IS_SILENT, async () => {
    const oracle = await ComposeOracle.start();
    try {
      const { silent, unknown, seen } = fieldsOf((await oracle.schema()) as Schema);
      expect({ silent, unknown }).toEqual({ silent: [], unknown: [] });
      expect(seen.length).toBeGreaterThan(140);
    } finally {
      oracle.stop();
    }
  });
});

interface Fields {
  readonly seen: readonly string[];
  readonly silent: readonly string[];
  readonly unknown: readonly string[];
}

function fieldsOf(schema: Schema): Fields {
  const seen: string[] = [];
  const silent: string[] = [];
  const unknown: string[] = [];
  walk(schema, [], (path, value) => {
    seen.push(path.join("."));
    const outcome = outcomeOf(path, value);
    if (outcome === "silent" && !withoutEffect.has(path.join("."))) silent.push(path.join("."));
    if (outcome === "unknown") unknown.push(path.join("."));
    return outcome === "refused" || outcome === "unknown" || (outcome === "reported" && !isTakenApart(path));
  });
  return { seen, silent, unknown };

  function walk(schema: Schema, path: Path, visit: (path: Path, value: unknown) => boolean): void {
    for (const alternative of alternatives(schema)) {
      for (const [name, field] of Object.entries(alternative.properties ?? {})) {
        const at = [...path, name];
        if (visit(at, sampleOf(field, at))) continue;
        if (at.join(".") === "services") walk(definition("service"), ["services", "web"], visit);
        else if (path.length > 0) walk(field, at, visit);
      }
      for (const inner of Object.values(alternative.patternProperties ?? {}))
        if (path.at(-1) === "depends_on") walk(inner, [...path, "base"], visit);
      if (alternative.items !== undefined) walk(alternative.items, [...path, 0], visit);
    }
  }

  function definition(name: string): Schema {
    return (schema.definitions ?? schema.$defs)?.[name] ?? {};
  }

  function alternatives(schema: Schema): readonly Schema[] {
    const own = schema.$ref === undefined ? schema : definition(schema.$ref.replace(/^#\/(definitions|\$defs)\//, ""));
    const choices = [...(own.oneOf ?? []), ...(own.anyOf ?? []), ...(own.allOf ?? [])];
    return [own, ...choices.flatMap((choice) => alternatives(choice))];
  }

  function sampleOf(schema: Schema, path: Path): unknown {
    const key = path.join(".");
    const name = String(path.at(-1));
    if (Object.hasOwn(samples, key)) return samples[key];
    if (Object.hasOwn(amounts, name)) return amounts[name];
    const [first = {}] = alternatives(schema).filter(({ type, enum: values }) => type !== undefined || values !== undefined);
    return sampleOfKind(first, path);
  }

  function sampleOfKind(schema: Schema, path: Path): unknown {
    if (schema.enum !== undefined) return schema.enum.at(-1);
    const types = Array.isArray(schema.type) ? schema.type : [schema.type];
    if (types.includes("boolean")) return true;
    if (types.includes("integer") || types.includes("number")) return 7;
    if (types.includes("string")) return "sample";
    if (types.includes("array")) return [schema.items === undefined ? "sample" : sampleOf(schema.items, [...path, 0])];
    const [name, inner] = Object.entries(schema.properties ?? {})[0] ?? ["sample", { type: "string" }];
    return { [name]: sampleOf(inner, [...path, name]) };
  }
}

describe("a field that nobody knows", () => {
  test.each(["services.web.imagine", "services.web.deploy.replica", "services.web.healthcheck.tests", "networkz"])(
    "%s is reported",
    (path) => {
      expect(outcomeOf(path.split("."), "x")).not.toBe("silent");
    },
  );
});

/** Reading has a rule for each field within it; otherwise what is said of it is said of all that is in it. */
function isTakenApart(path: Path): boolean {
  const pattern = path.map((step) => (step === "web" || step === "base" || typeof step === "number" ? "*" : step)).join(".");
  return supportedFields().some((field) => field.path.startsWith(`${pattern}.`));
}

/** Reads a project with and without the field. */
function outcomeOf(path: Path, value: unknown): "refused" | "reported" | "honoured" | "silent" | "unknown" {
  const around = (withField: boolean): ReturnType<typeof readProject> => {
    const document: Record<string, unknown> = {
      services: { web: { image: "a" }, base: { image: "b", user: "base" }, third: { image: "c", user: "third" } },
      volumes: { data: {}, other: {} },
      configs: { conf: { content: "a" }, other: { content: "b" } },
      secrets: { pass: { file: "a.env" }, other: { file: "b.env" } },
    };
    let target = document;
    for (const [index, step] of path.slice(0, -1).entries()) {
      const here = path.slice(0, index + 1).join(".");
      const before = (target[step] ?? {}) as Record<string, unknown>;
      const besideMount = here === "services.web.volumes.0" ? mounts[String(path[index + 1])] : undefined;
      const next = typeof path[index + 1] === "number" ? [] : { ...before, ...(besideMount ?? beside[here]) };
      target[step] = Array.isArray(next) ? next : { ...next };
      target = target[step] as Record<string, unknown>;
    }
    if (withField) target[path.at(-1) ?? ""] = value;
    const read = (name: string) => (files[name] === undefined ? { kind: "absent" as const } : { kind: "text" as const, text: files[name] });
    return readProject({ manifests: [{ file: "compose.yaml", text: JSON.stringify(document) }], files: { read } });
  };
  const [before, after] = [around(false), around(true)];
  const named = path.reduce<string>(
    (text, step) => (typeof step === "number" ? `${text}[${step}]` : text === "" ? step : `${text}.${step}`),
    "",
  );
  const known = new Set(before.findings.map(({ path, message }) => `${path} ${message}`));
  const news = after.findings.filter(
    ({ path: at, message }) =>
      !known.has(`${at} ${message}`) && (at === named || at.startsWith(`${named}.`) || at.startsWith(`${named}[`) || named.startsWith(at)),
  );
  if (news.some(({ path: at, code }) => code === "unknown-field" && at === named)) return "unknown";
  if (news.some(({ path: at, severity }) => severity === "error" && at === named)) return "refused";
  if (news.length > 0) return "reported";
  return JSON.stringify({ ...before, findings: [] }) === JSON.stringify({ ...after, findings: [] }) ? "silent" : "honoured";
}
