import type { Findings, Spot } from "./findings.ts";
import type { Variables } from "./interpolate.ts";
import type { SourceDocument } from "./value.ts";
import type { VariableFilling } from "./variables.ts";

/** A larger file of variables is refused. */
const MAX_ENV_FILE_BYTES = 1_048_576;

/** `raw`: what follows the equals sign is the value, quotes and dollar signs included. */
export type EnvFileFormat = "compose" | "raw";

export interface EnvFileReading {
  readonly findings: Findings;
  readonly filling: VariableFilling;
  /** Of the project; they come before those of the files themselves. */
  readonly variables: Variables;
}

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/**
 * Reads `NAME=VALUE` lines with comments, quotes and variables into `values`, which may hold those of earlier files. A name without a value is taken from
 * the project's variables, or left out.
 */
export function readEnvFile(text: string, file: string, format: EnvFileFormat, reading: EnvFileReading, values: Map<string, string>): void {
  const source = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  const document: SourceDocument = { file, directory: "", variables: reading.variables, position: (offset) => positionIn(source, offset) };
  if (Buffer.byteLength(source) > MAX_ENV_FILE_BYTES) {
    const spot = { path: "", origin: { document, offset: 0 } };
    return reading.findings.error("too-much", spot, `The file is larger than ${MAX_ENV_FILE_BYTES} bytes.`);
  }
  let index = 0;
  while (index < source.length) {
    const lineEnd = endOfLine(source, index);
    const line = source.slice(index, lineEnd);
    const spot: Spot = { path: "", origin: { document, offset: index } };
    if (/^\s*(#|$)/.test(line)) {
      index = lineEnd + 1;
      continue;
    }
    const parts = /^\s*(?:export\s+)?([^\s=:#'"]+)[ \t]*([=:]?)[ \t]*/.exec(line);
    const [matched = "", name = "", separator = ""] = parts ?? [];
    if (parts === null || (separator === "" && matched.length < line.replace(/\s+#.*$/, "").trimEnd().length)) {
      reading.findings.error("invalid", spot, "This line is not a variable.", "write NAME=VALUE.");
      index = lineEnd + 1;
      continue;
    }
    if (separator === "") {
      const inherited = reading.variables.get(name);
      if (inherited !== undefined) values.set(name, inherited);
      index = lineEnd + 1;
      continue;
    }
    if (format === "raw") {
      values.set(name, line.slice(line.indexOf(separator) + 1));
      index = lineEnd + 1;
      continue;
    }
    const read = readValue(source, index + matched.length, lineEnd, spot, reading, values);
    values.set(name, read.value);
    index = read.next;
  }
}

function readValue(
  source: string,
  start: number,
  lineEnd: number,
  spot: Spot,
  { findings, filling, variables }: EnvFileReading,
  earlier: ReadonlyMap<string, string>,
): { readonly value: string; readonly next: number } {
  const known: Variables = { get: (name) => variables.get(name) ?? earlier.get(name) };
  const quote = source[start];
  if (quote !== "'" && quote !== '"') {
    const written = source
      .slice(start, lineEnd)
      .replace(/\s#.*$/, "")
      .trim();
    return { value: filling.text(written, known, spot), next: lineEnd + 1 };
  }
  const close = closingQuote(source, start);
  if (close === undefined) {
    findings.error("invalid", spot, "A quote is not closed.");
    return { value: "", next: source.length };
  }
  const quoted = source.slice(start + 1, close);
  const next = endOfLine(source, close + 1);
  if (!/^\s*(#.*)?$/.test(source.slice(close + 1, next))) findings.error("invalid", spot, "Something follows the closing quote.");
  return { value: quote === "'" ? quoted : filling.text(unescaped(quoted), known, spot), next: next + 1 };
}

/** A dollar sign behind a backslash is meant as it is. */
function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/gs, (whole, character: string) => {
    if (character === "$") return "$$";
    return escapes[character] ?? (character === '"' || character === "\\" ? character : whole);
  });
}

function closingQuote(source: string, start: number): number | undefined {
  const quote = source[start];
  for (let index = start + 1; index < source.length; index += 1) {
    if (source[index] === "\\" && quote === '"') index += 1;
    else if (source[index] === quote) return index;
  }
  return undefined;
}

function endOfLine(source: string, from: number): number {
  const end = source.indexOf("\n", from);
  return end === -1 ? source.length : end;
}

function positionIn(source: string, offset: number): { readonly line: number; readonly column: number } {
  const before = source.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - before.lastIndexOf("\n") };
}
