import type { z } from "zod";
import { nearestName } from "../../runtime/nearest-name.ts";
import type { FieldError } from "./errors.ts";
import { namesAt } from "./input-schema.ts";

/** More are not listed: whoever made so many mistakes corrects the first ones first. */
const MAX_FIELD_ERRORS = 100;
/** Longer lists of valid names say less, not more. */
const MAX_LISTED_NAMES = 30;

export type FieldPlace = FieldError["in"];

/** What zod found, in words that say what would be valid. `placeOf` tells where the first field of a path came from. */
export function fieldErrorsOf(
  error: z.core.$ZodError,
  schema: z.core.$ZodType,
  given: unknown,
  placeOf: (field: string) => FieldPlace,
): readonly FieldError[] {
  return error.issues
    .flatMap((issue) => errorsOfIssue(issue, schema, given))
    .slice(0, MAX_FIELD_ERRORS)
    .map(({ path, ...rest }) => ({ in: placeOf(String(path[0] ?? "")), pointer: pointerOf(path), ...rest }));
}

interface Finding {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly suggestion?: string;
}

function errorsOfIssue(issue: z.core.$ZodIssue, schema: z.core.$ZodType, given: unknown): readonly Finding[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownField(key, path, namesAt(schema, path)));
  const value = valueAt(given, path);
  if (issue.code === "invalid_value" && typeof value === "string") {
    const suggestion = nearestName(value, issue.values.map(String));
    return [{ path, message: messageOf(issue, value), ...(suggestion === undefined ? {} : { suggestion }) }];
  }
  return [{ path, message: messageOf(issue, value) }];
}

export function unknownField(key: string, path: readonly PropertyKey[], names: readonly string[]): Finding {
  const suggestion = nearestName(key, names);
  const valid = names.length === 0 ? "there are no fields here" : `valid here: ${names.slice(0, MAX_LISTED_NAMES).join(", ")}`;
  return suggestion === undefined
    ? { path: [...path, key], message: `there is no such field; ${valid}` }
    : { path: [...path, key], message: `there is no such field; did you mean ${suggestion}?`, suggestion };
}

function messageOf(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case "invalid_type":
      return value === undefined
        ? `is required: ${typeName(issue.expected)}`
        : `must be ${typeName(issue.expected)}, not ${nameOfValue(value)}`;
    case "invalid_value":
      return `must be ${issue.values.length === 1 ? "" : "one of "}${issue.values.map(String).join(", ")}`;
    case "too_small":
      return `must be ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}${unitOf(issue.origin)}`;
    case "too_big":
      return `must be ${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}${unitOf(issue.origin)}`;
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "invalid_union":
      return unionMessage(issue, value);
    case "invalid_key":
      return `a name in it is not valid: ${issue.issues.map((inner) => messageOf(inner, undefined)).join("; ")}`;
    case "invalid_element":
    case "invalid_format":
    case "unrecognized_keys":
    case "custom":
      return issue.message;
    default:
      return (issue satisfies never as z.core.$ZodIssue).message;
  }
}

function unionMessage(issue: Extract<z.core.$ZodIssue, { readonly code: "invalid_union" }>, value: unknown): string {
  const { discriminator, options } = issue as { readonly discriminator?: string; readonly options?: readonly unknown[] };
  if (discriminator !== undefined && options !== undefined) return `${discriminator} must be one of ${options.map(String).join(", ")}`;
  const each = issue.errors.flatMap((alternative) =>
    alternative.map((inner) => messageOf(inner, inner.path.length === 0 ? value : valueAt(value, inner.path))),
  );
  return each.length === 0 ? issue.message : [...new Set(each)].join(", or ");
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "a list",
};

function typeName(expected: string): string {
  return TYPE_NAMES[expected] ?? expected;
}

function nameOfValue(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters long";
  return origin === "array" || origin === "set" ? " entries long" : "";
}

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  let current = given;
  for (const step of path) {
    if (typeof current !== "object" || current === null) return undefined;
    current = (current as Readonly<Record<PropertyKey, unknown>>)[step];
  }
  return current;
}

function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
