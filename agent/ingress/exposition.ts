/** One line of Prometheus' text format (exposition format 0.0.4). */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$/;
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/gy;

/** Undefined: a comment, an empty line, or one that makes no sense. */
export function parseSample(line: string): Sample | undefined {
  const [, name, labelText = "", valueText = ""] = LINE.exec(line) ?? [];
  const value = numberOf(valueText);
  const labels = labelsOf(labelText);
  return name === undefined || value === undefined || labels === undefined ? undefined : { name, labels, value };
}

function labelsOf(text: string): Readonly<Record<string, string>> | undefined {
  const labels: Record<string, string> = {};
  let end = 0;
  for (const [whole, name = "", value = ""] of text.matchAll(LABEL)) {
    labels[name] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
    end += whole.length;
  }
  return text.slice(end).trim() === "" ? labels : undefined;
}

function numberOf(text: string): number | undefined {
  if (/^[+-]?Inf$/.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  const value = Number(text);
  return text === "" || (Number.isNaN(value) && text !== "NaN") ? undefined : value;
}
