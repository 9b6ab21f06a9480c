import { type z } from "zod";
import type { Operation } from "../../actors/catalogue.ts";
import type { Refusal } from "../../runtime/refusal.ts";
import { apiRefusals, type FieldError } from "./errors.ts";
import { fieldErrorsOf, unknownField, type FieldPlace } from "./input-errors.ts";
import { fieldsOf, valueOfText } from "./input-schema.ts";

/** How the input of an operation is spread over a request. Made once per operation. */
export interface InputLayout {
  readonly schema: z.core.$ZodType;
  readonly fields: Readonly<Record<string, z.core.$ZodType>>;
  readonly pathFields: readonly string[];
  /** Where the fields go that are not in the path. */
  readonly rest: "query" | "body";
}

/** What a request brought, not yet looked at. */
export interface RawInput {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  readonly body: unknown;
}

export type ParsedInput = { readonly kind: "ok"; readonly value: unknown; readonly raw: Readonly<Record<string, unknown>> } | Refusal;

const PATH_FIELD = /\{([A-Za-z0-9]+)\}/g;

export function inputLayout(operation: Operation): InputLayout {
  const { method, path } = operation.http;
  return {
    schema: operation.input,
    fields: fieldsOf(operation.input, operation.name),
    pathFields: [...path.matchAll(PATH_FIELD)].map((match) => match[1] ?? ""),
    rest: method === "GET" || method === "DELETE" ? "query" : "body",
  };
}

/** `/deployments/{name}` in the router's own way: `/deployments/:name`. */
export function routePath(path: string): string {
  return path.replaceAll(PATH_FIELD, ":$1");
}

/** Joins path, query and body into the operation's input and parses it, once. Every mistake is listed, not only the first. */
export function parseInput(layout: InputLayout, request: RawInput): ParsedInput {
  const placeOf = (field: string): FieldPlace => (layout.pathFields.includes(field) ? "path" : layout.rest);
  const rest = restOf(layout, request);
  if (rest.kind === "refusal") return rest;
  const misplaced = misplacedFields(layout, request, rest.fields);
  const raw: Record<string, unknown> = Object.assign(Object.create(null), rest.fields);
  for (const field of layout.pathFields) raw[field] = readText(layout, field, request.path[field] ?? "");
  const known = Object.fromEntries(Object.entries(raw).filter(([key]) => Object.hasOwn(layout.fields, key)));
  const parsed = parse(layout.schema, known);
  const errors = [...misplaced, ...(parsed.success ? [] : fieldErrorsOf(parsed.error, layout.schema, known, placeOf))];
  if (errors.length > 0) return apiRefusals["request.invalid"]({ errors });
  return { kind: "ok", value: parsed.data, raw: known };
}

function parse(schema: z.core.$ZodType, value: unknown): ReturnType<z.ZodType["safeParse"]> {
  return (schema as z.ZodType).safeParse(value);
}

function readText(layout: InputLayout, field: string, text: string | readonly string[]): unknown {
  const schema = Object.hasOwn(layout.fields, field) ? layout.fields[field] : undefined;
  return schema === undefined ? text : valueOfText(schema, text);
}

function restOf(
  layout: InputLayout,
  request: RawInput,
): { readonly kind: "fields"; readonly fields: Readonly<Record<string, unknown>> } | Refusal {
  if (layout.rest === "query") {
    const fields = Object.entries(request.query).map(([name, text]) => [name, readText(layout, name, text)] as const);
    return { kind: "fields", fields: Object.fromEntries(fields) };
  }
  const body = request.body ?? {};
  if (typeof body !== "object" || Array.isArray(body)) {
    return apiRefusals["request.invalid"]({ errors: [{ in: "body", pointer: "", message: "must be a JSON object" }] });
  }
  return { kind: "fields", fields: body as Readonly<Record<string, unknown>> };
}

/** Unknown fields, fields given in the wrong place, and a body that contradicts the path. */
function misplacedFields(layout: InputLayout, request: RawInput, rest: Readonly<Record<string, unknown>>): readonly FieldError[] {
  const names = Object.keys(layout.fields).filter((name) => !layout.pathFields.includes(name));
  const errors: FieldError[] = [];
  for (const [name, value] of Object.entries(rest)) {
    if (layout.pathFields.includes(name)) {
      const fromPath = request.path[name];
      if (value !== fromPath)
        errors.push({ in: layout.rest, pointer: `/${name}`, message: `contradicts the path, which says ${fromPath ?? ""}` });
    } else if (!Object.hasOwn(layout.fields, name)) {
      errors.push(misplacedError(unknownField(name, [], names), layout.rest));
    }
  }
  if (layout.rest === "body") {
    for (const name of Object.keys(request.query)) {
      errors.push({ in: "query", pointer: `/${name}`, message: "this operation takes no query; send the field in the JSON body" });
    }
  }
  return errors;
}

function misplacedError(finding: ReturnType<typeof unknownField>, place: FieldPlace): FieldError {
  const pointer = finding.path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return { in: place, pointer, message: finding.message, ...(finding.suggestion === undefined ? {} : { suggestion: finding.suggestion }) };
}
