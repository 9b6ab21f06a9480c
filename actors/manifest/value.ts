import type { Variables } from "./interpolate.ts";

/** A file a manifest is read from. */
export interface SourceDocument {
  /** As findings name it. */
  readonly file: string;
  /** Paths in it are relative to this folder, itself relative to the project's; empty: the project's own. */
  readonly directory: string;
  /** Fill in the variables of this file. */
  readonly variables: Variables;
  /** Both from 1. */
  readonly position: (offset: number) => { readonly line: number; readonly column: number };
}

/** Where a value stands. */
export interface Origin {
  readonly document: SourceDocument;
  /** Of its first character; for what stands in a mapping, of its key. */
  readonly offset: number;
}

/** What `!reset` (the field is taken away) and `!override` (it replaces the earlier one) do when files are merged. */
export type MergeTag = "reset" | "override";

interface Common {
  readonly origin: Origin;
  readonly tag: MergeTag | undefined;
  /** Values in it, itself included; shared parts count each time they are used. */
  readonly size: number;
  /** Mappings and lists within each other. */
  readonly depth: number;
  /** It, or a value in it, has a tag. */
  readonly tagged: boolean;
  /** It, or a value in it, has a dollar sign, which may begin a variable. */
  readonly hasVariables: boolean;
}

export interface MapValue extends Common {
  readonly kind: "map";
  readonly fields: ReadonlyMap<string, Value>;
}
export interface ListValue extends Common {
  readonly kind: "list";
  readonly items: readonly Value[];
}
export interface ScalarValue extends Common {
  readonly kind: "scalar";
  readonly type: "string" | "number" | "boolean" | "null";
  /** As it is written, `1.10` included, without quotes and escapes; empty for null. */
  readonly text: string;
}

/** A YAML value with its place; aliases and merges are resolved, and parts may be shared. */
export type Value = MapValue | ListValue | ScalarValue;

export function mapValue(origin: Origin, fields: ReadonlyMap<string, Value>, tag?: MergeTag): MapValue {
  const { size, depth, tagged, hasVariables } = weight(fields.values(), tag);
  return { kind: "map", origin, tag, size, depth, tagged, hasVariables, fields };
}

export function listValue(origin: Origin, items: readonly Value[], tag?: MergeTag): ListValue {
  const { size, depth, tagged, hasVariables } = weight(items, tag);
  return { kind: "list", origin, tag, size, depth, tagged, hasVariables, items };
}

export function scalarValue(origin: Origin, type: ScalarValue["type"], text: string, tag?: MergeTag): ScalarValue {
  return { kind: "scalar", origin, tag, size: 1, depth: 0, tagged: tag !== undefined, hasVariables: text.includes("$"), type, text };
}

export function isNull(value: Value): boolean {
  return value.kind === "scalar" && value.type === "null";
}

function weight(values: Iterable<Value>, tag: MergeTag | undefined): Pick<Common, "size" | "depth" | "tagged" | "hasVariables"> {
  let size = 1;
  let depth = 0;
  let tagged = tag !== undefined;
  let hasVariables = false;
  for (const value of values) {
    size += value.size;
    depth = Math.max(depth, value.depth);
    tagged ||= value.tagged;
    hasVariables ||= value.hasVariables;
  }
  return { size, depth: depth + 1, tagged, hasVariables };
}
