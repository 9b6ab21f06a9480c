import { MAX_FILE_BYTES } from "../deployment/file-contract.ts";
import {
  type Definition,
  driverOptionsRule,
  externalRule,
  fullName,
  nameRule,
  newDefinition,
  readDefinition,
} from "./definition-fields.ts";
import { type FieldTable, honoured, passedOver, refused, type Rule } from "./fields.ts";
import type { Place, Reading } from "./reading.ts";

interface FileSource extends Definition {
  file?: Place;
  environment?: Place;
  content?: Place;
}

const source = (field: "file" | "environment" | "content"): Rule<FileSource> =>
  honoured((_reading, at, definition) => {
    definition[field] = at;
  });

const common: FieldTable<FileSource> = {
  name: nameRule,
  file: source("file"),
  environment: source("environment"),
  external: externalRule("What is stored already is used as it was given last."),
  labels: passedOver("What is stored carries no labels.", "leave it out."),
  template_driver: refused("Contents are not filled in by a template.", "write what is meant."),
};

const fields: Readonly<Record<"configs" | "secrets", FieldTable<FileSource>>> = {
  configs: { ...common, content: source("content") },
  secrets: {
    ...common,
    driver: refused("Secrets are kept in the store that is built in.", "leave it out."),
    driver_opts: { ...driverOptionsRule, ...refused("Secrets are kept in the store that is built in.", "leave it out.") },
  },
};

/** `configs` or `secrets` of a manifest: contents are read when a service uses them. */
export const fileDefinitionsRule = (section: "configs" | "secrets"): Rule<unknown> => ({
  ...honoured((reading, at) => {
    if (reading.isNull(at)) return;
    for (const [key, place] of reading.fields(at)) {
      if (key.startsWith("x-")) continue;
      const definition = readDefinition<FileSource>(reading, place, fields[section], newDefinition());
      const value = definition.external ? () => undefined : once(() => contentOf(reading, place, definition));
      reading.resources[section].set(key, { name: fullName(reading, key, definition), external: definition.external, value });
    }
  }, fields[section]),
  mayBeEmpty: true,
});

/** In base64; undefined with a finding when it cannot be had. */
function contentOf(reading: Reading, place: Place, { file, environment, content }: FileSource): string | undefined {
  const given = [file, environment, content].filter((at) => at !== undefined);
  if (given.length !== 1)
    return reading.invalid(
      given[1] ?? place,
      given.length === 0 ? "It has no content." : "It has more than one content.",
      "write file, environment or external, one of them.",
    );
  const bytes = file === undefined ? ofText(reading, environment, content) : ofFile(reading, file);
  return bytes && asContent(reading, given[0] ?? place, bytes);
}

/** In base64; undefined with a finding when there is too much of it. */
export function asContent(reading: Reading, at: Place, bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_FILE_BYTES)
    return reading.findings.error("too-much", at, `It has ${bytes.length} bytes; the most are ${MAX_FILE_BYTES}.`);
  return Buffer.from(bytes).toString("base64");
}

function ofFile(reading: Reading, at: Place): Uint8Array | undefined {
  const named = reading.text(at);
  const path = named === undefined ? undefined : reading.files.resolve(named, at.origin.document.directory, at);
  return path === undefined ? undefined : reading.files.bytes(path, at);
}

function ofText(reading: Reading, environment: Place | undefined, content: Place | undefined): Uint8Array | undefined {
  if (content !== undefined) {
    const text = reading.text(content);
    return text === undefined ? undefined : Buffer.from(text);
  }
  const name = environment === undefined ? undefined : reading.text(environment);
  if (environment === undefined || name === undefined) return undefined;
  const value = environment.origin.document.variables.get(name);
  return value === undefined
    ? reading.findings.error("required-variable", environment, `${name} must be set: its value is the content.`)
    : Buffer.from(value);
}

/** Whether it comes to something or not: a finding is made once, however many services use it. */
function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}
