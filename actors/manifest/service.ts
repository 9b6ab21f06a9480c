import type { DeploymentSpecInput } from "../deployment/contract.ts";
import { readDeploy } from "./deploy.ts";
import { readHealthcheck } from "./healthcheck.ts";
import { readPorts } from "./ports.ts";
import { commandWords, durationMs } from "./quantities.ts";
import { unsupportedInService } from "./unsupported.ts";
import type { Place, YamlSource } from "./yaml-source.ts";

type Spec = { -readonly [Key in keyof DeploymentSpecInput]: DeploymentSpecInput[Key] };

/** A service as the deployment it asks for, and where in the manifest each of its fields came from. */
export interface ReadService {
  readonly spec: Partial<Spec>;
  readonly origins: ReadonlyMap<string, Place>;
}

type Read = (source: YamlSource, at: Place, spec: Partial<Spec>) => void;

/** Field of Compose, field of the deployment, and how one becomes the other. */
const readers: Readonly<Record<string, readonly [field: keyof Spec, read: Read]>> = {
  image: ["image", (source, at, spec) => assign(spec, "image", source.text(at))],
  command: ["command", (source, at, spec) => assign(spec, "command", words(source, at))],
  entrypoint: ["entrypoint", (source, at, spec) => assign(spec, "entrypoint", words(source, at))],
  environment: ["environment", (source, at, spec) => assign(spec, "environment", environment(source, at))],
  labels: ["labels", (source, at, spec) => assign(spec, "labels", labels(source, at))],
  ports: ["ports", (source, at, spec) => assign(spec, "ports", [...readPorts(source, at)])],
  healthcheck: ["health", (source, at, spec) => assign(spec, "health", readHealthcheck(source, at))],
  user: ["user", (source, at, spec) => assign(spec, "user", source.text(at))],
  working_dir: ["workingDirectory", (source, at, spec) => assign(spec, "workingDirectory", source.text(at))],
  stop_signal: ["stopSignal", (source, at, spec) => assign(spec, "stopSignal", source.text(at))],
  stop_grace_period: ["stopGraceMs", (source, at, spec) => assign(spec, "stopGraceMs", source.amount(at, durationMs, "30s or 1m30s"))],
};

export function readService(source: YamlSource, place: Place): ReadService {
  const spec: Partial<Spec> = {};
  const origins = new Map<string, Place>();
  const fields = source.fields(place);
  for (const [name, at] of fields) {
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (reader !== undefined) {
      const [field, read] = reader;
      origins.set(field, at);
      if (!source.isNull(at)) read(source, at, spec);
      else if (name !== "command" && name !== "entrypoint")
        source.error(at, "There is nothing after the name.", "leave the field out or give it a value.");
    } else if (name !== "deploy") {
      otherField(source, name, at);
    }
  }
  const deploy = fields.get("deploy");
  if (deploy !== undefined) {
    Object.assign(
      spec,
      readDeploy(
        source,
        deploy,
        (spec.ports ?? []).some((port) => port.publishedPort !== undefined),
      ),
    );
    for (const field of ["replicas", "resources", "constraints", "rollout"]) origins.set(field, deploy);
  }
  if (spec.image === undefined && !fields.has("image") && !fields.has("build"))
    source.error(place, "A service needs an image.", "write image: NAME:TAG.");
  return { spec, origins };
}

function assign<Key extends keyof Spec>(spec: Partial<Spec>, key: Key, value: Spec[Key] | undefined): void {
  if (value !== undefined) spec[key] = value;
}

function otherField(source: YamlSource, name: string, at: Place): void {
  const refused = Object.hasOwn(unsupportedInService, name) ? unsupportedInService[name] : undefined;
  if (refused !== undefined) source.error(at, refused.reason, refused.instead);
  else if (name === "restart") readRestart(source, at);
  else if (name === "x-odysseus") source.error(at, "Settings under x-odysseus are not supported yet.", "leave them out.");
  else if (!name.startsWith("x-"))
    source.unknown(at, name, [...Object.keys(readers), "deploy", "restart", ...Object.keys(unsupportedInService)]);
}

function readRestart(source: YamlSource, at: Place): void {
  const policy = source.text(at);
  if (policy === undefined || policy === "always" || policy === "unless-stopped") return;
  source.error(at, `Replicas always run again when they end; "${policy}" cannot be had.`, "leave restart out, or write always.");
}

/** A list of words, or a line that is split as a shell would. */
function words(source: YamlSource, at: Place): string[] | undefined {
  if (source.isList(at)) return source.items(at).map((item) => source.text(item) ?? "");
  const line = source.text(at);
  if (line === undefined) return undefined;
  const split = commandWords(line);
  return split === undefined ? source.error(at, `A quote in "${line}" is not closed.`) : [...split];
}

function environment(source: YamlSource, at: Place): Record<string, string> {
  return pairs(source, at, (place, name) =>
    source.error(
      place,
      `"${name}" has no value: variables of the shell that applies the manifest are not taken over.`,
      `write ${name}=VALUE, or ${name}= for an empty one.`,
    ),
  );
}

function labels(source: YamlSource, at: Place): Record<string, string> {
  return pairs(source, at, () => "");
}

/** `NAME=VALUE` in a list, or a mapping. */
function pairs(source: YamlSource, at: Place, withoutValue: (place: Place, name: string) => string | undefined): Record<string, string> {
  const entries: (readonly [string, string | undefined])[] = source.isList(at)
    ? source.items(at).map((item) => {
        const written = source.text(item) ?? "";
        const [name, ...rest] = written.split("=");
        return [name ?? "", rest.length > 0 ? rest.join("=") : withoutValue(item, written)];
      })
    : [...source.fields(at)].map(([name, place]) => [name, source.isNull(place) ? withoutValue(place, name) : source.text(place)]);
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, string] => entry[0] !== "" && entry[1] !== undefined));
}
