import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { z } from "zod";
import type { Operation } from "../../actors/catalogue.ts";
import type { ApiCall } from "./client.ts";
import { emptyText } from "./empty-lists.ts";
import { follow } from "./event-stream.ts";
import type { Flag } from "./everyday-entry.ts";
import { addExamples, addFlags, addGlobals, runner, type Surroundings } from "./program.ts";
import { render } from "./render.ts";
import { type Action, ifGeneration, type Options, text, texts } from "./session.ts";
import { usage } from "./stop.ts";

/** As much of JSON Schema as decides how a field is typed on a command line. */
interface FieldSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly items?: FieldSchema;
  /** A text that people keep in a file: its name is typed. */
  readonly file?: boolean;
}

interface Field {
  readonly name: string;
  readonly schema: FieldSchema;
  readonly isRequired: boolean;
}

/** One command per operation: fields of the path are arguments, all others are flags. */
export function addVerbs(parent: Command, operations: readonly Operation[], surroundings: Surroundings): void {
  for (const operation of operations) {
    const verb = operation.name.slice(operation.name.indexOf(".") + 1);
    const command = parent.command(verb).summary(operation.title).description(`${operation.title}\n\n${operation.description}`);
    const fields = fieldsOf(operation);
    const inPath = pathFields(operation);
    for (const name of inPath) command.argument(`<${kebab(name)}>`, fields.find((field) => field.name === name)?.schema.description ?? "");
    const flags = fields.filter((field) => !inPath.includes(field.name));
    addFlags(command, [
      ...flags.map(flagOf),
      ...(isWrite(operation) ? [{ flags: "--if-generation <number>", description: "refuse when it was changed since" }] : []),
    ]);
    addGlobals(command);
    addExamples(command, [`odysseus ${operation.example}`]);
    command.action(runner(async () => callOperation(operation, inPath, flags), surroundings));
  }
}

function callOperation(operation: Operation, inPath: readonly string[], flags: readonly Field[]): Action {
  return async (session, args, options) => {
    const values = valuesOf(flags, options);
    const path = inPath.reduce(
      (path, name, index) => path.replace(`{${name}}`, encodeURIComponent(args[index] ?? "")),
      operation.http.path,
    );
    const { method } = operation.http;
    const api = session.api();
    if (operation.effect === "stream") {
      const isFollowing = values["follow"] === true || operation.name.endsWith(".stream");
      for await (const event of follow(api, { path, query: queryOf(values), signal: session.signal, ends: !isFollowing })) {
        session.out.document(event.data, "line");
        await session.out.drained();
      }
      return;
    }
    const input: Pick<ApiCall, "query" | "body"> = method === "GET" || method === "DELETE" ? { query: queryOf(values) } : { body: values };
    const answer = await api.call<unknown>({ method, path, ...input, ifGeneration: ifGeneration(options) });
    if (session.out.json) session.out.document(answer);
    else for (const line of render(session.out, answer, emptyText(operation.name, isFiltered(values)))) session.out.line(line);
  };
}

/** Which part of a list is asked for is no filter. */
function isFiltered(values: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(values).some((name) => name !== "limit");
}

function queryOf(values: Readonly<Record<string, unknown>>): NonNullable<ApiCall["query"]> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(String) : typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

function isWrite(operation: Operation): boolean {
  return operation.effect === "write" || operation.effect === "destructive";
}

function pathFields(operation: Operation): readonly string[] {
  return [...operation.http.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
}

function fieldsOf(operation: Operation): readonly Field[] {
  const schema = z.toJSONSchema(operation.input, { io: "input", unrepresentable: "any" }) as {
    readonly properties?: Readonly<Record<string, FieldSchema>>;
    readonly required?: readonly string[];
  };
  return Object.entries(schema.properties ?? {}).map(([name, field]) => ({
    name,
    schema: field,
    isRequired: schema.required?.includes(name) === true,
  }));
}

function flagOf({ name, schema, isRequired }: Field): Flag {
  const description = `${schema.description ?? ""}${isRequired ? " (needed)" : ""}`.trim();
  if (schema.type === "boolean") return { flags: `--${kebab(name)}`, description };
  if (schema.file === true) return { flags: `--${kebab(name)} <file>`, description };
  const isList = schema.type === "array" && isScalar(schema.items);
  const what = isScalar(schema) || isList ? (schema.type === "integer" || schema.type === "number" ? "number" : "value") : "json";
  const choices = schema.enum?.every((choice) => typeof choice === "string") === true ? { choices: schema.enum } : {};
  return { flags: `--${kebab(name)} <${what}>`, description, ...choices, ...(isList && { repeats: true as const }) };
}

function isScalar(schema: FieldSchema | undefined): boolean {
  return schema?.enum !== undefined || schema?.type === "string" || schema?.type === "integer" || schema?.type === "number";
}

function valuesOf(flags: readonly Field[], options: Options): Readonly<Record<string, unknown>> {
  const entries = flags.flatMap((field): readonly (readonly [string, unknown])[] => {
    const value = valueOf(field, options);
    if (value === undefined && field.isRequired) throw usage(`--${kebab(field.name)} is missing.`);
    return value === undefined ? [] : [[field.name, value]];
  });
  return Object.fromEntries(entries);
}

function valueOf({ name, schema }: Field, options: Options): unknown {
  const list = texts(options, name);
  if (list !== undefined) return list;
  const given = text(options, name);
  if (given === undefined) return schema.type === "boolean" && options[name] === true ? true : undefined;
  if (schema.file === true) return contentsOf(name, given);
  if (schema.type === "integer" || schema.type === "number") return numberOf(name, given);
  return isScalar(schema) ? given : jsonOf(name, given);
}

function contentsOf(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw usage(`--${kebab(name)}: ${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function numberOf(name: string, given: string): number {
  const value = Number(given);
  if (given.trim() === "" || !Number.isFinite(value)) throw usage(`--${kebab(name)}: "${given}" is not a number.`);
  return value;
}

/** A field without a plain type is JSON; what is not JSON is taken as text, so that `--max-surge 25%` needs no quotes within quotes. */
function jsonOf(name: string, given: string): unknown {
  try {
    return JSON.parse(given);
  } catch (cause) {
    if (/^\s*[[{"]/.test(given)) throw usage(`--${kebab(name)}: not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
    return given;
  }
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
