import { posix } from "node:path";
import { didYouMean } from "./did-you-mean.ts";
import type { Findings, Spot } from "./findings.ts";
import { merge } from "./merge.ts";
import type { NamedFiles } from "./project-files.ts";
import { mapValue, type MapValue, type Value } from "./value.ts";

export interface ExtendsContext {
  readonly findings: Findings;
  readonly files: NamedFiles;
  /** A file of the project, its variables filled in; paths in it are relative to `directory`. */
  readonly open: (path: string, directory: string, spot: Spot) => Value | undefined;
}

/** Services by name with what they extend merged below them, in their own file or in another one. */
export function withBases(root: MapValue, file: string, context: ExtendsContext): MapValue {
  const services = root.fields.get("services");
  if (services?.kind !== "map" || !someExtend(services)) return root;
  const done = new Map<string, Value>();
  const fields = [...services.fields].map(([name, service]) => {
    const spot = { path: `services.${name}.extends`, origin: service.origin };
    return [name, extended({ file, services, name, directory: directoryOf(service) }, spot, [], done, context) ?? service] as const;
  });
  return mapValue(root.origin, new Map([...root.fields, ["services", mapValue(services.origin, new Map(fields), services.tag)]]), root.tag);
}

interface Wanted {
  readonly file: string;
  readonly services: MapValue;
  readonly name: string;
  readonly directory: string;
}

function extended(
  { file, services, name, directory }: Wanted,
  spot: Spot,
  chain: readonly string[],
  done: Map<string, Value>,
  context: ExtendsContext,
): Value | undefined {
  const key = `${file}\0${name}`;
  const known = done.get(key);
  if (known !== undefined) return known;
  const service = services.fields.get(name);
  if (service === undefined)
    return context.findings.error(
      "reference",
      spot,
      `There is no service "${name}" in ${file} to extend.`,
      didYouMean(name, services.fields.keys()),
    );
  const named = service.kind === "map" ? service.fields.get("extends") : undefined;
  if (service.kind !== "map" || named === undefined || named.tag === "reset") return service;
  const at = { path: spot.path, origin: named.origin };
  if (chain.includes(key))
    return context.findings.error(
      "reference",
      at,
      `Services extend each other in a circle, through "${name}".`,
      "write out in one of them what it takes from the other.",
    );
  const base = baseOf(named, { file, services, name, directory }, at, context);
  const below = base === undefined ? undefined : extended(base, at, [...chain, key], done, context);
  // It keeps the field, which says why parts of it may be missing.
  if (below === undefined) return service;
  const own = mapValue(service.origin, new Map([...service.fields].filter(([field]) => field !== "extends")), service.tag);
  const result = merge(below, own, ["services", name], context.findings);
  done.set(key, result);
  return result;
}

/** `extends: NAME`, or `{service: NAME, file: PATH}`. */
function baseOf(named: Value, { file, services, directory }: Wanted, spot: Spot, context: ExtendsContext): Wanted | undefined {
  if (named.kind === "scalar") return { file, services, name: named.text, directory };
  const fields = named.kind === "map" ? named.fields : new Map<string, Value>();
  for (const name of fields.keys())
    if (name !== "service" && name !== "file")
      context.findings.error("unknown-field", { ...spot, path: `${spot.path}.${name}` }, `There is no field "${name}" here.`);
  const [service, from] = [fields.get("service"), fields.get("file")];
  if (service?.kind !== "scalar")
    return context.findings.error("invalid", spot, "extends needs the name of a service.", "write service: NAME.");
  if (from === undefined) return { file, services, name: service.text, directory };
  if (from.kind !== "scalar") return context.findings.error("invalid", spot, "The file to extend from must be a path.");
  const path = context.files.resolve(from.text, directory, spot);
  const root = path === undefined ? undefined : context.open(path, posix.dirname(path), spot);
  if (path === undefined || root === undefined) return undefined;
  const others = root.kind === "map" ? root.fields.get("services") : undefined;
  if (others?.kind !== "map") return context.findings.error("reference", spot, `There are no services in ${path}.`);
  return { file: path, services: others, name: service.text, directory: posix.dirname(path) };
}

function directoryOf(value: Value): string {
  return value.origin.document.directory;
}

function someExtend(services: MapValue): boolean {
  return [...services.fields.values()].some((service) => service.kind === "map" && service.fields.has("extends"));
}
