import type { Findings, Spot } from "./findings.ts";
import { isNull, listValue, mapValue, scalarValue, type Value } from "./value.ts";
import { type MergeRule, ruleFor } from "./merge-rules.ts";

/** Names of fields from the top of the file. */
type Path = readonly string[];

/**
 * One value over another, as the Compose Specification merges files: mappings field by field, lists one after the other, texts replaced, and each
 * field's own rule where it has one. A value tagged `!reset` or `!override` stands for itself until `withoutResets`.
 */
export function merge(base: Value | undefined, over: Value, path: Path, findings: Findings): Value {
  if (base === undefined || over.tag !== undefined || base.tag === "reset" || isNull(base)) return over;
  const rule = ruleFor(path);
  if (rule.kind === "replace") return over;
  if (isNull(over)) return base;
  switch (rule.kind) {
    case "texts":
      return overlaid(asMap(base, nothing), asMap(over, nothing), path, findings);
    case "pairs":
      return mergeMaps(asMap(base, rule.named), asMap(over, rule.named), path, findings);
    case "append":
      return mergeLists(asList(base), asList(over), path, findings);
    case "keyed":
      return mergeLists(asList(base), asList(over), path, findings, rule);
    case "hosts":
      return mergeLists(asHosts(base), asHosts(over), path, findings);
    case "driver":
      return sameText(base, over, "driver") ? mergeMaps(base, over, path, findings) : over;
    case "wrapped":
      return mergeMaps(wrapped(base, rule.field), wrapped(over, rule.field), path, findings);
    case "plain":
      return base.kind === "list" && over.kind === "list" ? mergeLists(base, over, path, findings) : mergeMaps(base, over, path, findings);
  }
}

function nothing({ origin }: Value): Value {
  return scalarValue(origin, "null", "");
}

function overlaid(base: Value, over: Value, path: Path, findings: Findings): Value {
  if (base.kind !== "map" || over.kind !== "map") return differs(base, over, path, findings);
  return mapValue(over.origin, new Map([...base.fields, ...over.fields]), base.tag);
}

function mergeMaps(base: Value, over: Value, path: Path, findings: Findings): Value {
  if (base.kind === "scalar" && over.kind === "scalar") return over;
  if (base.kind !== "map" || over.kind !== "map") return differs(base, over, path, findings);
  const fields = new Map(base.fields);
  for (const [name, value] of over.fields) fields.set(name, merge(fields.get(name), value, [...path, name], findings));
  return mapValue(over.origin, fields, base.tag);
}

/** With a key, an item stands where the earlier one of the same key does. */
function mergeLists(base: Value, over: Value, path: Path, findings: Findings, key?: Extract<MergeRule, { kind: "keyed" }>): Value {
  if (base.kind !== "list" || over.kind !== "list") return differs(base, over, path, findings);
  if (key === undefined) return listValue(over.origin, [...base.items, ...over.items], base.tag);
  const items = new Map<string, Value>();
  for (const item of [...base.items, ...over.items]) {
    const name = key.keyOf(item);
    const earlier = items.get(name);
    items.set(name, key.isMerged === true && earlier !== undefined ? mergeMaps(earlier, item, path, findings) : item);
  }
  return listValue(over.origin, [...items.values()], base.tag);
}

function differs(base: Value, over: Value, path: Path, findings: Findings): Value {
  const spot: Spot = { path: path.join("."), origin: over.origin };
  findings.error(
    "conflict",
    spot,
    `This is a ${nameOf(over)}, and a ${nameOf(base)} in the part it is merged with.`,
    "write both alike, or !override before the later one.",
  );
  return base;
}

function nameOf(value: Value): string {
  return value.kind === "scalar" ? "text" : value.kind === "map" ? "mapping" : "list";
}

function sameText(base: Value, over: Value, field: string): boolean {
  const text = (value: Value): string | undefined => {
    const found = value.kind === "map" ? value.fields.get(field) : undefined;
    return found?.kind === "scalar" ? found.text : undefined;
  };
  const [before, after] = [text(base), text(over)];
  return before === undefined || after === undefined || before === after;
}

/** A text standing for a mapping with that one field. */
function wrapped(value: Value, field: string): Value {
  return value.kind === "scalar" ? mapValue(value.origin, new Map([[field, value]])) : value;
}

function asList(value: Value): Value {
  return value.kind === "scalar" ? listValue(value.origin, [value]) : value;
}

function asHosts(value: Value): Value {
  if (value.kind !== "map") return asList(value);
  const items = [...value.fields].flatMap(([name, addresses]) =>
    (addresses.kind === "list" ? addresses.items : [addresses]).map((address) =>
      address.kind === "scalar" ? scalarValue(address.origin, "string", `${name}:${address.text}`) : address,
    ),
  );
  return listValue(value.origin, items, value.tag);
}

/** `NAME=VALUE` items as a mapping; `named` makes the value of an item that is a name alone. */
function asMap(value: Value, named: (item: Value) => Value): Value {
  if (value.kind !== "list") return value;
  const fields = new Map<string, Value>();
  for (const item of value.items) {
    if (item.kind !== "scalar") continue;
    const equals = item.text.indexOf("=");
    if (equals === -1) fields.set(item.text, named(item));
    else fields.set(item.text.slice(0, equals), scalarValue(item.origin, "string", item.text.slice(equals + 1)));
  }
  return mapValue(value.origin, fields, value.tag);
}

/** Takes away what `!reset` marks, once everything has been merged. */
export function withoutResets(value: Value): Value {
  if (!value.tagged || value.kind === "scalar") return value;
  const isKept = ({ tag }: Value): boolean => tag !== "reset";
  if (value.kind === "list") {
    const items = value.items.filter(isKept).map((item) => withoutResets(item));
    return listValue(value.origin, items);
  }
  const fields = [...value.fields].filter(([, field]) => isKept(field)).map(([name, field]) => [name, withoutResets(field)] as const);
  return mapValue(value.origin, new Map(fields));
}
