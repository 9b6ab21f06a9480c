import { posix } from "node:path";
import type { Findings, Spot } from "./findings.ts";
import type { NamedFiles } from "./project-files.ts";
import { isNull, type Value } from "./value.ts";

/** One entry of `include`: files merged with each other, as a project of their own. */
export interface Included {
  readonly paths: readonly string[];
  readonly projectDirectory: string;
  /** Undefined: `.env` of that folder, where there is one. */
  readonly envFiles: readonly string[] | undefined;
  readonly spot: Spot;
}

export interface IncludeReading {
  readonly findings: Findings;
  readonly files: NamedFiles;
  readonly directory: string;
}

/** Says that there is nothing to read; the Compose Specification names it so. */
const NO_ENV_FILE = "/dev/null";

export function readInclude(include: Value, reading: IncludeReading): readonly Included[] {
  const spot = { path: "include", origin: include.origin };
  if (isNull(include)) return [];
  if (include.kind !== "list") return reading.findings.error("invalid", spot, "Expected a list of files.") ?? [];
  return include.items.flatMap((item, index) => readEntry(item, { path: `include[${index}]`, origin: item.origin }, reading) ?? []);
}

function readEntry(item: Value, spot: Spot, { findings, files, directory }: IncludeReading): Included | undefined {
  const fields = item.kind === "map" ? item.fields : new Map([["path", item]]);
  for (const [name, value] of fields)
    if (!["path", "project_directory", "env_file"].includes(name) && !name.startsWith("x-"))
      findings.error("unknown-field", { path: `${spot.path}.${name}`, origin: value.origin }, `There is no field "${name}" here.`);
  const named = texts(fields.get("path"));
  if (named === undefined || named.length === 0)
    return findings.error("invalid", spot, "An include needs the path of a file.", "write path: FILE.");
  const paths = named.map((path) => files.resolve(path, directory, spot));
  const [first] = paths;
  const given = texts(fields.get("project_directory"))?.[0];
  const projectDirectory =
    given === undefined ? (first === undefined ? undefined : posix.dirname(first)) : files.resolve(given, directory, spot);
  const env = texts(fields.get("env_file"))
    ?.filter((path) => path !== NO_ENV_FILE)
    .map((path) => files.resolve(path, directory, spot));
  if (projectDirectory === undefined || paths.includes(undefined) || env?.includes(undefined) === true) return undefined;
  return {
    paths: paths.filter((path) => path !== undefined),
    projectDirectory: projectDirectory === "." ? "" : projectDirectory,
    envFiles: env?.filter((path) => path !== undefined),
    spot,
  };
}

/** A text, or a list of texts. */
function texts(value: Value | undefined): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const items = value.kind === "list" ? value.items : [value];
  return items.flatMap((item) => (item.kind === "scalar" ? [item.text] : []));
}
