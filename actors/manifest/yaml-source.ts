import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { nearestName } from "../../runtime/nearest-name.ts";
import type { Finding } from "./finding.ts";

/** A longer manifest is refused. */
export const MAX_MANIFEST_BYTES = 1_048_576;
/** Reading more places than this (aliases count each time they are used) ends with an error: it is a trap, not a manifest. */
const MAX_PLACES = 50_000;
/** Aliases and merges within each other. */
const MAX_ALIAS_DEPTH = 20;
/** After so many of them the rest of the file is misread anyway. */
const MAX_YAML_ERRORS = 10;
/** Further findings would say no more. */
const MAX_FINDINGS = 200;

/** A value of the manifest, with where it stands. */
export interface Place {
  readonly path: string;
  readonly node: Node | null;
  /** Offset of the key or, in a list, of the value itself: where a finding points. */
  readonly offset: number;
}

/** Thrown where reading must not go on; the finding has been made. */
export class TooMuch extends Error {}

/** Reads values of the expected kind out of YAML and notes, with their position, those that are of another. */
export class YamlSource {
  readonly findings: Finding[] = [];
  readonly root: Place;
  readonly #lines = new LineCounter();
  #places = 0;

  constructor(text: string) {
    this.root = { path: "", node: null, offset: 0 };
    if (Buffer.byteLength(text) > MAX_MANIFEST_BYTES) {
      this.error(this.root, `The manifest is larger than ${MAX_MANIFEST_BYTES} bytes.`);
      return;
    }
    try {
      const document = parseDocument(text, {
        lineCounter: this.#lines,
        prettyErrors: false,
        strict: true,
        uniqueKeys: true,
        logLevel: "silent",
      });
      for (const problem of document.errors.slice(0, MAX_YAML_ERRORS))
        this.error({ ...this.root, offset: problem.pos[0] }, `This is not valid YAML: ${problem.message}.`);
      this.root = { path: "", node: document.contents, offset: document.contents?.range?.[0] ?? 0 };
      this.#resolve = (node) => (isAlias(node) ? (node.resolve(document) ?? null) : node);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      this.error(this.root, "The manifest is nested too deeply to be read.");
    }
  }

  #resolve: (node: Node | null) => Node | null = (node) => node;

  error(place: Place, message: string, instead?: string): undefined {
    this.#note("error", place, message, instead);
  }

  warn(place: Place, message: string, instead?: string): void {
    this.#note("warning", place, message, instead);
  }

  #note(severity: Finding["severity"], place: Place, message: string, instead: string | undefined): void {
    if (this.findings.length >= MAX_FINDINGS) throw new TooMuch();
    const { line, col } = this.#lines.linePos(place.offset);
    this.findings.push({
      severity,
      path: place.path,
      line: Math.max(1, line),
      column: Math.max(1, col),
      message,
      ...(instead !== undefined && { instead }),
    });
  }

  isNull(place: Place): boolean {
    const node = this.#value(place);
    return node === null || (isScalar(node) && node.value === null);
  }

  isMap(place: Place): boolean {
    return isMap(this.#value(place));
  }

  isList(place: Place): boolean {
    return isSeq(this.#value(place));
  }

  /** The fields of a mapping; those of `<<` come first and are replaced by its own. */
  fields(place: Place, depth = 0): ReadonlyMap<string, Place> {
    const node = this.#value(place);
    const fields = new Map<string, Place>();
    if (depth > MAX_ALIAS_DEPTH) return this.error(place, "Merges within merges go too deep.") ?? fields;
    if (!isMap(node)) return this.error(place, "Expected a mapping of names to values.") ?? fields;
    const own = node.items.map((pair) => {
      const key = pair.key as Node;
      const name = isScalar(key) ? (key.source ?? String(key.value)) : "";
      return {
        name,
        at: {
          path: place.path === "" ? name : `${place.path}.${name}`,
          node: pair.value as Node | null,
          offset: key.range?.[0] ?? place.offset,
        },
      };
    });
    for (const { name, at } of own) {
      if (name !== "<<") continue;
      const merged = this.isList(at) ? this.items(at).toReversed() : [at];
      for (const from of merged) for (const [key, value] of this.fields({ ...from, path: place.path }, depth + 1)) fields.set(key, value);
    }
    for (const { name, at } of own) if (name !== "<<") fields.set(name, at);
    return fields;
  }

  items(place: Place): readonly Place[] {
    const node = this.#value(place);
    if (!isSeq(node)) return this.error(place, "Expected a list.") ?? [];
    return node.items.map((item, index) => ({
      path: `${place.path}[${index}]`,
      node: item as Node | null,
      offset: (item as Node | null)?.range?.[0] ?? place.offset,
    }));
  }

  /** As it is written, `1.10` included; variables are refused, since nothing fills them in. */
  text(place: Place): string | undefined {
    const node = this.#value(place);
    if (!isScalar(node) || node.value === null) return this.error(place, "Expected a text.");
    const written = typeof node.value === "string" ? node.value : (node.source ?? JSON.stringify(node.value));
    if (/(?<!\$)(?:\$\$)*\$(?:\{|[A-Za-z_])/.test(written)) {
      return this.error(
        place,
        `"${written}" holds a variable, and variables are not filled in.`,
        "write the value itself; a dollar sign that is meant is written $$.",
      );
    }
    return written.replaceAll("$$", "$");
  }

  wholeNumber(place: Place): number | undefined {
    const written = this.text(place);
    if (written === undefined) return undefined;
    return /^\d{1,15}$/.test(written) ? Number(written) : this.error(place, `"${written}" is not a whole number.`);
  }

  /** A text that `read` understands. */
  amount(place: Place, read: (text: string) => number | undefined, like: string): number | undefined {
    const written = this.text(place);
    if (written === undefined) return undefined;
    const amount = read(written);
    return amount ?? this.error(place, `"${written}" is not an amount.`, `write it like ${like}.`);
  }

  oneOf<Choice extends string>(place: Place, choices: readonly Choice[]): Choice | undefined {
    const written = this.text(place);
    if (written === undefined) return undefined;
    const chosen = choices.find((choice) => choice === written);
    return chosen ?? this.error(place, `"${written}" is not one of ${choices.join(", ")}.`);
  }

  flag(place: Place): boolean | undefined {
    const node = this.#value(place);
    return isScalar(node) && typeof node.value === "boolean" ? node.value : this.error(place, "Expected true or false.");
  }

  /** A field nobody knows. */
  unknown(place: Place, name: string, known: readonly string[]): void {
    const meant = nearestName(name, known);
    this.error(place, `There is no field "${name}" here.`, meant === undefined ? undefined : `did you mean ${meant}?`);
  }

  #value(place: Place): Node | null {
    this.#places += 1;
    if (this.#places > MAX_PLACES) {
      this.error(place, `The manifest has more than ${MAX_PLACES} values, counting aliases each time they are used.`);
      throw new TooMuch();
    }
    return this.#resolve(place.node);
  }
}
