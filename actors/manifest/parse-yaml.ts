import { isAlias, isMap, isScalar, LineCounter, type Node, parseAllDocuments, type Scalar, type YAMLMap, type YAMLSeq } from "yaml";
import { type Findings, type Spot, TooMuch } from "./findings.ts";
import type { Variables } from "./interpolate.ts";
import { listValue, mapValue, type MergeTag, type Origin, scalarValue, type SourceDocument, type Value } from "./value.ts";

/** A longer file is refused. */
export const MAX_MANIFEST_BYTES = 1_048_576;
/** A file with more values, aliases counted each time they are used, is refused: it is a trap, not a manifest. */
const MAX_VALUES = 250_000;
/** Values deeper within each other are refused. */
const MAX_DEPTH = 50;
/** Documents in one file, with --- between them. */
const MAX_DOCUMENTS = 100;
/** Brackets opened and never closed beyond this end the parser's stack before they end the file. */
const MAX_OPEN_BRACKETS = 200;

/** The file a text comes from. */
export interface YamlFile {
  readonly file: string;
  readonly directory: string;
  readonly variables: Variables;
}

/** The documents of a file, or undefined with a finding that says why it cannot be read. An empty file is one document, null. */
export function parseYaml(text: string, { file, directory, variables }: YamlFile, findings: Findings): readonly Value[] | undefined {
  const lines = new LineCounter();
  const document: SourceDocument = {
    file,
    directory,
    variables,
    position: (offset) => {
      const { line, col } = lines.linePos(offset);
      return { line: Math.max(1, line), column: Math.max(1, col) };
    },
  };
  const start: Spot = { path: "", origin: { document, offset: 0 } };
  if (Buffer.byteLength(text) > MAX_MANIFEST_BYTES)
    return findings.error("too-much", start, `The file is larger than ${MAX_MANIFEST_BYTES} bytes.`);
  if (opensTooDeep(text)) return findings.error("too-much", start, "The file is nested too deeply to be read.");
  try {
    // The library compares each key with every other one of its mapping; here a set does.
    const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: "silent" });
    const documents = "empty" in parsed ? [] : parsed;
    if (documents.length > MAX_DOCUMENTS) return findings.error("too-much", start, `The file holds more than ${MAX_DOCUMENTS} documents.`);
    // What follows the first is misread, and would be told as further ones.
    const [problem] = documents.flatMap(({ errors }) => errors);
    if (problem !== undefined)
      return findings.error(
        "invalid",
        spotOf(document, problem.pos[0]),
        `This is not valid YAML: ${problem.message.replace(/\.$/, "")}.`,
        "look at quotes, brackets and indentation here and in the line before.",
      );
    const filled = documents.map(({ contents }) => contents).filter((contents) => !isScalar(contents) || contents.value !== null);
    const contents = filled.length === 0 ? [null] : filled;
    const builders = contents.map((node) => ({ node, builder: new Builder(document, findings) }));
    const values = builders.map(({ node, builder }) => builder.value(node, "", start.origin, 0));
    return builders.some(({ builder }) => builder.isMalformed) ? undefined : values;
  } catch (cause) {
    if (cause instanceof RangeError) return findings.error("too-much", start, "The file is nested too deeply to be read.");
    if (cause instanceof TooMuch) return undefined;
    throw cause;
  }
}

function spotOf(document: SourceDocument, offset: number): Spot {
  return { path: "", origin: { document, offset } };
}

/** Brackets in texts and comments count too, on the safe side only where hundreds of them are open. */
function opensTooDeep(text: string): boolean {
  let open = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 91 || code === 123) open += 1;
    else if ((code === 93 || code === 125) && open > 0) open -= 1;
    if (open > MAX_OPEN_BRACKETS) return true;
  }
  return false;
}

/** Turns the library's nodes into values, in the order of the file: an alias means the latest anchor before it. */
class Builder {
  readonly #document: SourceDocument;
  readonly #findings: Findings;
  readonly #anchors = new Map<string, Value | "open">();
  #built = 0;
  /** What was built is not what the file says; findings say why. */
  isMalformed = false;

  constructor(document: SourceDocument, findings: Findings) {
    this.#document = document;
    this.#findings = findings;
  }

  /** What stands in a mapping is where its key is. */
  #field(node: unknown, path: string, origin: Origin, depth: number): Value {
    const value = this.#valueAt(origin, node, path, depth);
    return value.origin === origin ? value : { ...value, origin };
  }

  value(node: unknown, path: string, fallback: Origin, depth: number): Value {
    return this.#valueAt(this.#originOf(node, fallback), node, path, depth);
  }

  #valueAt(origin: Origin, node: unknown, path: string, depth: number): Value {
    if (depth > MAX_DEPTH) this.#tooMuch({ path, origin }, "Values are nested too deeply.");
    this.#count({ path, origin }, 1);
    if (isAlias(node)) return this.#alias(node.source, { path, origin });
    const { anchor, tag } = (node ?? {}) as Partial<Node> & { anchor?: string };
    if (anchor !== undefined) this.#anchors.set(anchor, "open");
    const value = this.#own(node, path, origin, depth, this.#mergeTag(tag, { path, origin }));
    if (value.size > MAX_VALUES) this.#tooMuch({ path, origin }, `There are more than ${MAX_VALUES} values, counting aliases each time.`);
    if (value.depth > MAX_DEPTH) this.#tooMuch({ path, origin }, "Aliases of aliases are nested too deeply.");
    if (anchor !== undefined) this.#anchors.set(anchor, value);
    return value;
  }

  #own(node: unknown, path: string, origin: Origin, depth: number, tag: MergeTag | undefined): Value {
    if (node === null || node === undefined) return scalarValue(origin, "null", "", tag);
    if (isScalar(node)) return scalar(node, origin, tag);
    if (isMap(node)) return mapValue(origin, this.#fields(node, path, origin, depth), tag);
    const items = (node as YAMLSeq).items.map((item, index) => this.value(item, `${path}[${index}]`, origin, depth + 1));
    return listValue(origin, items, tag);
  }

  /** Own fields replace those of `<<`, wherever it stands; of several mappings under `<<` the first wins. */
  #fields(node: YAMLMap, path: string, origin: Origin, depth: number): ReadonlyMap<string, Value> {
    const own = new Map<string, Value>();
    const merged = new Map<string, Value>();
    for (const { key, value } of node.items) {
      const at = this.#originOf(key, origin);
      const name = this.#keyOf(key, { path, origin: at });
      const childPath = path === "" ? name : `${path}.${name}`;
      const read = this.#field(value, childPath, at, depth + 1);
      if (name === "<<" && isScalar(key) && key.type === "PLAIN") this.#merge(read, { path: childPath, origin: at }, merged);
      else if (own.has(name)) this.#malformed({ path: childPath, origin: at }, `This is not valid YAML: "${name}" is there twice.`);
      else own.set(name, read);
    }
    if (merged.size === 0) return own;
    return new Map([...merged, ...own]);
  }

  #merge(from: Value, spot: Spot, into: Map<string, Value>): void {
    const maps = from.kind === "list" ? from.items : [from];
    for (const map of maps) {
      if (map.kind !== "map") {
        this.#malformed(spot, "What << merges must be a mapping, or a list of mappings.");
        continue;
      }
      this.#count(spot, map.fields.size);
      for (const [name, value] of map.fields) if (!into.has(name)) into.set(name, value);
    }
  }

  #alias(name: string, spot: Spot): Value {
    const value = this.#anchors.get(name);
    if (value !== undefined && value !== "open") return value;
    const problem = value === "open" ? `*${name} stands within itself.` : `There is no anchor &${name} before *${name}.`;
    this.#malformed(spot, problem);
    return scalarValue(spot.origin, "null", "");
  }

  #keyOf(key: unknown, spot: Spot): string {
    if (isAlias(key)) {
      const value = this.#alias(key.source, spot);
      if (value.kind === "scalar") return value.text;
    }
    if (isScalar(key)) return typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
    this.#malformed(spot, "A field's name must be a text.");
    return "";
  }

  #mergeTag(tag: string | undefined, spot: Spot): MergeTag | undefined {
    if (tag === undefined || tag.startsWith("tag:yaml.org,2002:")) return undefined;
    if (tag === "!reset" || tag === "!override") return tag === "!reset" ? "reset" : "override";
    return this.#findings.error(
      "invalid",
      spot,
      `The tag ${tag} means nothing here.`,
      "leave it out; !reset and !override are understood.",
    );
  }

  #originOf(node: unknown, fallback: Origin): Origin {
    const offset = (node as Node | null | undefined)?.range?.[0];
    return offset === undefined ? fallback : { document: this.#document, offset };
  }

  #malformed(spot: Spot, message: string): void {
    this.isMalformed = true;
    this.#findings.error("invalid", spot, message);
  }

  #count(spot: Spot, values: number): void {
    this.#built += values;
    if (this.#built > MAX_VALUES) this.#tooMuch(spot, `There are more than ${MAX_VALUES} values.`);
  }

  #tooMuch(spot: Spot, message: string): never {
    this.#findings.error("too-much", spot, message);
    throw new TooMuch();
  }
}

function scalar(node: Scalar, origin: Origin, tag: MergeTag | undefined): Value {
  // A tag of ours stands before the value and keeps YAML from seeing that a plain one is empty.
  const { value, source } = node;
  if (value === null || (tag !== undefined && source === "null")) return scalarValue(origin, "null", "", tag);
  if (typeof value === "string") return scalarValue(origin, "string", value, tag);
  const written = source ?? JSON.stringify(value);
  if (typeof value === "boolean") return scalarValue(origin, "boolean", String(value), tag);
  return scalarValue(origin, "number", written, tag);
}
