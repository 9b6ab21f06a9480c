import { ageText } from "../../runtime/age-text.ts";
import { bytes } from "./figures.ts";
import { type Output, plain } from "./output.ts";
import { table } from "./table.ts";

/** Deeper than this a value is shown as JSON. */
const MAX_DEPTH = 8;

/** Any answer for a person: a list as a table of its plain fields, an object field by field. `empty` is said of a list without items. Units are in the names of the fields. */
export function render(out: Output, answer: unknown, empty: string): readonly string[] {
  const nowMs = Date.now();
  if (!isObject(answer) || !Array.isArray(answer["items"])) return fields(out, answer, 0, nowMs);
  const { items, asOfOffset: _notForPeople, ...about } = answer;
  return [...(items.length === 0 ? [empty] : rows(out, items, nowMs)), ...fields(out, about, 0, nowMs)];
}

function rows(out: Output, items: readonly unknown[], nowMs: number): readonly string[] {
  const objects = items.filter(isObject);
  const names = [...new Set(objects.flatMap((item) => Object.keys(item)))].filter((name) => {
    const values = objects.map((item) => item[name]);
    return values.every(isCell) && values.some((value) => !isNested(value) || !isEmpty(value));
  });
  const columns = names.map((name) => ({ title: name.toUpperCase(), least: 8 }));
  return table(
    out,
    columns,
    objects.map((item) => names.map((name) => scalar(name, item[name], nowMs))),
  );
}

function fields(out: Output, value: unknown, depth: number, nowMs: number): readonly string[] {
  const indent = "  ".repeat(depth);
  if (depth > MAX_DEPTH || !isNested(value)) return [`${indent}${plain(isNested(value) ? JSON.stringify(value) : String(value))}`];
  const entries = Array.isArray(value) ? value.map((item: unknown, index) => [String(index + 1), item] as const) : Object.entries(value);
  return entries.flatMap(([name, item]): readonly string[] => {
    const title = out.paint("dim", `${indent}${name}:`);
    if (!isNested(item)) return [`${title} ${scalar(name, item, nowMs)}`];
    return isEmpty(item) ? [`${title} (none)`] : [title, ...fields(out, item, depth + 1, nowMs)];
  });
}

function scalar(name: string, value: unknown, nowMs: number): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number" && /(^a|A)tMs$/.test(name))
    return `${new Date(value).toISOString()} (${value > nowMs ? `in ${ageText(value - nowMs)}` : `${ageText(nowMs - value)} ago`})`;
  if (typeof value === "number" && name.endsWith("Bytes")) return bytes(value);
  if (Array.isArray(value)) return value.map((item) => scalar(name, item, nowMs)).join(", ");
  return plain(typeof value === "string" ? value : JSON.stringify(value));
}

/** A list of plain values still fits into one. */
function isCell(value: unknown): boolean {
  return Array.isArray(value) ? value.every((item) => !isNested(item)) : !isNested(value);
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

function isNested(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return isNested(value) && !Array.isArray(value);
}
