import * as fc from "fast-check";

/** The parts of JSON Schema that the OpenAPI document uses. */
export interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

const MAX_TEXT = 30;
const MAX_ITEMS = 3;

/** Values that the schema allows, more or less: what it cannot say in full is left to chance. */
export function validFor(schema: JsonSchema): fc.Arbitrary<unknown> {
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return fc.oneof(...alternatives.map(validFor));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case "string":
      return textFor(schema);
    case "integer":
      return fc.integer({ min: Math.max(schema.minimum ?? -10, -(2 ** 31)), max: Math.min(schema.maximum ?? 1_000, 2 ** 31 - 1) });
    case "number":
      return fc.integer({ min: schema.minimum ?? -10, max: Math.min(schema.maximum ?? 1_000, 1_000_000) });
    case "boolean":
      return fc.boolean();
    case "array":
      return fc.array(validFor(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.max(schema.minItems ?? 0, MAX_ITEMS),
      });
    case "object":
      return objectFor(schema);
    default:
      return fc.jsonValue();
  }
}

function textFor({ pattern, minLength = 0, maxLength = MAX_TEXT }: JsonSchema): fc.Arbitrary<string> {
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  return fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, MAX_TEXT)) });
}

function objectFor({ properties = {}, required = [], additionalProperties }: JsonSchema): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, validFor(schema)]));
  const known = fc.record(fields, { requiredKeys: required.filter((name) => name in fields) });
  if (typeof additionalProperties !== "object" || Object.keys(properties).length > 0) return known;
  return fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), validFor(additionalProperties), { maxKeys: MAX_ITEMS });
}

/** The same with a fault somewhere: another type, a field too many, one missing, or nonsense altogether. */
export function faultyFor(schema: JsonSchema): fc.Arbitrary<unknown> {
  const valid = validFor(schema);
  const broken = Object.keys(schema.properties ?? {}).map((name) =>
    fc.tuple(valid, fc.jsonValue()).map(([value, nonsense]) => ({ ...(value as object), [name]: nonsense })),
  );
  const surplus = fc.tuple(valid, fc.string({ maxLength: 10 })).map(([value, name]) => ({ ...(value as object), [name]: 1 }));
  return fc.oneof(fc.jsonValue(), surplus, ...broken);
}
