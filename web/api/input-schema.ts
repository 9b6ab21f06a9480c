import { z } from "zod";

/** Looks into zod schemas: what an adapter must know to read an operation's input from text and to explain what is wrong with it. */

/** Takes off what changes nothing about the kind of value: optional, default, readonly, pipes (the incoming side). */
export function bareSchema(schema: z.core.$ZodType): z.core.$ZodType {
  let current = schema;
  for (;;) {
    const definition = current._zod.def as { readonly type: string; readonly innerType?: z.core.$ZodType; readonly in?: z.core.$ZodType };
    const inner = definition.innerType ?? (definition.type === "pipe" ? definition.in : undefined);
    if (inner === undefined) return current;
    current = inner;
  }
}

/** Fields of an operation's input. Throws on an input that is no object: such an operation could not be called by name. */
export function fieldsOf(schema: z.core.$ZodType, name: string): Readonly<Record<string, z.core.$ZodType>> {
  const bare = bareSchema(schema);
  if (!(bare instanceof z.ZodObject)) throw new Error(`the input of ${name} is not an object`);
  return bare.shape;
}

/** The names that would be valid at a path of the input, over all alternatives of unions. */
export function namesAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  return reach([schema], path).flatMap((item) => (item instanceof z.ZodObject ? Object.keys(item.shape) : []));
}

function reach(schemas: readonly z.core.$ZodType[], path: readonly PropertyKey[]): readonly z.core.$ZodType[] {
  const here = schemas.flatMap(alternatives);
  const [step, ...rest] = path;
  if (step === undefined) return here;
  const next = here.flatMap((item): readonly z.core.$ZodType[] => {
    if (item instanceof z.ZodObject) {
      const field = Object.entries(item.shape as Readonly<Record<string, z.core.$ZodType>>).find(([name]) => name === step)?.[1];
      return field === undefined ? [] : [field];
    }
    if (item instanceof z.ZodArray) return [item.element];
    if (item instanceof z.ZodRecord) return [item.valueType];
    return [];
  });
  return reach(next, rest);
}

function alternatives(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  const bare = bareSchema(schema);
  return bare instanceof z.ZodUnion ? bare.options.flatMap(alternatives) : [bare];
}

const NUMBER = /^-?\d+(\.\d+)?$/;

/** Text from a path or query as the value its schema wants; text that does not fit is left for the schema to refuse. */
export function valueOfText(schema: z.core.$ZodType, text: string | readonly string[]): unknown {
  const kinds = alternatives(schema);
  const array = kinds.find((kind) => kind instanceof z.ZodArray);
  if (array instanceof z.ZodArray) {
    const parts = typeof text === "string" ? text.split(",") : text;
    return parts.map((part) => valueOfText(array.element, part));
  }
  if (typeof text !== "string") return text;
  if (kinds.some((kind) => kind instanceof z.ZodNumber) && NUMBER.test(text)) return Number(text);
  if (kinds.some((kind) => kind instanceof z.ZodBoolean)) {
    if (text === "true" || text === "1" || text === "") return true;
    if (text === "false" || text === "0") return false;
  }
  return text;
}
