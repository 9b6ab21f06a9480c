import { posix } from "node:path";
import { readEnvFile } from "./env-file.ts";
import { withBases } from "./extends.ts";
import type { Findings, Spot } from "./findings.ts";
import type { Variables } from "./interpolate.ts";
import { merge } from "./merge.ts";
import { parseYaml } from "./parse-yaml.ts";
import type { NamedFiles } from "./project-files.ts";
import { readInclude } from "./include.ts";
import { isNull, mapValue, type MapValue, type Value } from "./value.ts";
import type { VariableFilling } from "./variables.ts";

/** Files including files that include files: deeper is refused. */
const MAX_INCLUDES = 20;

/** A file the person named. */
export interface NamedText {
  readonly file: string;
  readonly text: string;
}

/** Turns the files of a project into one tree: variables filled in, included files and extended services merged. */
export class ProjectLoader {
  readonly #findings: Findings;
  readonly #files: NamedFiles;
  readonly #filling: VariableFilling;
  /** As a manifest says it, the last one first. */
  projectName: string | undefined;
  readonly #opened = new Map<string, { readonly variables: Variables; readonly value: Value | undefined }>();

  constructor(findings: Findings, files: NamedFiles, filling: VariableFilling) {
    this.#findings = findings;
    this.#files = files;
    this.#filling = filling;
  }

  /** Later ones over earlier ones, and so the documents within a file. Paths in all of them are relative to `directory`. */
  load(manifests: readonly NamedText[], directory: string, variables: Variables): MapValue | undefined {
    return this.#mergeAll(manifests, directory, variables, []);
  }

  #mergeAll(manifests: readonly NamedText[], directory: string, variables: Variables, chain: readonly string[]): MapValue | undefined {
    let whole: Value | undefined;
    const parsed = manifests.map(({ file, text }) => ({ file, values: parseYaml(text, { file, directory, variables }, this.#findings) }));
    const readable = parsed.flatMap(({ file, values }) => (values === undefined ? [] : [{ file, values }]));
    // Where a file could not be read, whatever is missing in the others may be in it.
    if (readable.length < parsed.length) return undefined;
    if (chain.length === 0) for (const { values } of readable) for (const value of values) this.#readName(value, variables);
    for (const { file, values } of readable) {
      for (const value of values) {
        const root = this.#loaded(this.#filling.value(value, variables), file, directory, variables, [...chain, file]);
        if (root === undefined) return undefined;
        whole = merge(whole, root, [], this.#findings);
      }
    }
    return whole?.kind === "map" ? whole : undefined;
  }

  /** Before anything else: variables may name the project. */
  #readName(root: Value, variables: Variables): void {
    const name = root.kind === "map" ? root.fields.get("name") : undefined;
    if (name?.kind === "scalar" && name.text !== "")
      this.projectName = this.#filling.text(name.text, variables, { path: "name", origin: name.origin });
  }

  #loaded(root: Value, file: string, directory: string, variables: Variables, chain: readonly string[]): MapValue | undefined {
    const spot = { path: "", origin: root.origin };
    if (isNull(root))
      return this.#findings.error("invalid", spot, "The manifest is empty.", "write services: and below it one name per service.");
    if (root.kind !== "map") return this.#findings.error("invalid", spot, "Expected a mapping of names to values.");
    const included = this.#withIncluded(root, directory, variables, chain);
    return withBases(included, file, {
      findings: this.#findings,
      files: this.#files,
      open: (path, from, at) => this.#open(path, from, variables, at),
    });
  }

  #open(path: string, directory: string, variables: Variables, spot: Spot): Value | undefined {
    const before = this.#opened.get(path);
    if (before?.variables === variables) return before.value;
    const text = this.#files.text(path, spot, "error");
    const parsed = text === undefined ? undefined : parseYaml(text, { file: path, directory: here(directory), variables }, this.#findings);
    let value: Value | undefined;
    for (const document of parsed ?? []) value = merge(value, this.#filling.value(document, variables), [], this.#findings);
    this.#opened.set(path, { variables, value });
    return value;
  }

  #withIncluded(root: MapValue, directory: string, variables: Variables, chain: readonly string[]): MapValue {
    const include = root.fields.get("include");
    if (include === undefined) return root;
    const rest = new Map([...root.fields].filter(([name]) => name !== "include"));
    const reading = { findings: this.#findings, files: this.#files, directory };
    for (const { paths, projectDirectory, envFiles, spot } of readInclude(include, reading)) {
      const again = paths.find((path) => chain.includes(path));
      if (again !== undefined || chain.length > MAX_INCLUDES) {
        this.#findings.error(
          "reference",
          spot,
          `Files include each other in a circle, through ${again ?? paths[0] ?? ""}.`,
          "leave one of them out of include.",
        );
        continue;
      }
      const own = this.#includedVariables(envFiles, projectDirectory, directory, variables, spot);
      const texts = paths.map((file) => ({ file, text: this.#files.text(file, spot, "error") }));
      if (texts.some(({ text }) => text === undefined)) continue;
      const named = texts.map(({ file, text }) => ({ file, text: text ?? "" }));
      const loaded = this.#mergeAll(named, projectDirectory, own, [...chain, ...paths]);
      if (loaded !== undefined) importInto(rest, loaded, spot, this.#findings);
    }
    return mapValue(root.origin, rest, root.tag);
  }

  /** The project's variables come first; without `env_file`, `.env` in the included project's own folder is read. */
  #includedVariables(
    envFiles: readonly string[] | undefined,
    projectDirectory: string,
    directory: string,
    variables: Variables,
    spot: Spot,
  ): Variables {
    if (envFiles === undefined && projectDirectory === directory) return variables;
    const values = new Map<string, string>();
    const known: Variables = { get: (name) => variables.get(name) ?? values.get(name) };
    for (const path of envFiles ?? [posix.join(projectDirectory, ".env")]) {
      const text = this.#files.text(path, spot, envFiles === undefined ? "allowed" : "error");
      if (text === undefined) continue;
      const reading = { findings: this.#findings, filling: this.#filling, variables: known };
      readEnvFile(text, path, "compose", reading, values);
    }
    return known;
  }
}

/** Paths are joined to it: the project's own folder is empty. */
function here(directory: string): string {
  return directory === "." ? "" : directory;
}

const importedSections = ["services", "networks", "volumes", "configs", "secrets", "models"];

/** Names of an included project are those of the project, which may say more about what is included. */
function importInto(fields: Map<string, Value>, included: MapValue, spot: Spot, findings: Findings): void {
  for (const section of importedSections) {
    const from = included.fields.get(section);
    const to = fields.get(section);
    if (from?.kind !== "map") continue;
    if (to !== undefined && to.kind !== "map") continue;
    const merged = new Map(from.fields);
    for (const [name, value] of to?.fields ?? []) {
      const other = merged.get(name);
      // Reached by two ways, it would be merged with itself.
      merged.set(name, other === undefined || isSame(other, value) ? value : merge(other, value, [section, name], findings));
    }
    fields.set(section, mapValue(to?.origin ?? spot.origin, merged));
  }
}

function isSame(left: Value, right: Value): boolean {
  if (left === right) return true;
  if (left.kind === "scalar") return right.kind === "scalar" && left.text === right.text && left.type === right.type;
  if (left.kind === "list")
    return (
      right.kind === "list" &&
      left.items.length === right.items.length &&
      left.items.every((item, index) => isSameAt(item, right.items[index]))
    );
  return (
    right.kind === "map" &&
    left.fields.size === right.fields.size &&
    [...left.fields].every(([name, value]) => isSameAt(value, right.fields.get(name)))
  );
}

function isSameAt(left: Value, right: Value | undefined): boolean {
  return right !== undefined && isSame(left, right);
}
