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
  const told = Object.entries(about).flatMap(([name, item]) => field(out, inWords(name), name, item, 0, nowMs));
  return [...(items.length === 0 ? [empty] : rows(out, items, nowMs)), ...told];
}

function rows(out: Output, items: readonly unknown[], nowMs: number): readonly string[] {
  const objects = items.filter(isObject);
  const names = [...new Set(objects.flatMap((item) => Object.keys(item)))].filter((name) => {
    const values = objects.map((item) => item[name]);
    return values.every(isCell) && values.some((value) => !isNested(value) || !isEmpty(value));
  });
  const columns = names.map((name) => ({ title: inWords(name).toUpperCase(), least: 8 }));
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
  return entries.flatMap(([name, item]) => field(out, name, name, item, depth, nowMs));
}

function field(out: Output, called: string, name: string, item: unknown, depth: number, nowMs: number): readonly string[] {
  const title = out.paint("dim", `${"  ".repeat(depth)}${called}:`);
  if (!isNested(item)) return [`${title} ${scalar(name, item, nowMs)}`];
  return isEmpty(item) ? [`${title} (none)`] : [title, ...fields(out, item, depth + 1, nowMs)];
}

/** `changedAtMs` as `changed at`: what a list calls its fields, without the unit that is not the one its values are shown in. */
function inWords(name: string): string {
  const told = isTime(name) ? name.slice(0, -"Ms".length) : name.replace(/Bytes$/, "");
  return told.replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
}

/** A moment, and no duration. */
function isTime(name: string): boolean {
  return /(^a|A)tMs$/.test(name);
}

function scalar(name: string, value: unknown, nowMs: number): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number" && isTime(name))
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
