import type { Draft } from "./draft.ts";
import { readEnvFile, type EnvFileFormat } from "./env-file.ts";
import { different, type FieldTable, honoured, readFields, type Rule } from "./fields.ts";
import type { Place, Reading } from "./reading.ts";

/** What is the same text once it was a number. */
const SAME_AS_NUMBER = /^-?(0|[1-9]\d*)(\.\d*[1-9])?$/;

/** `{{.Node.Hostname}}` and the like. */
const SWARM_TEMPLATE = /\{\{\s*\.(Node|Service|Task)\./;

/** `environment` of a service. A name without a value is taken from the shell or `.env`, or left out. */
export const environmentRule: Rule<Draft> = different(
  "A number is taken as it is written: 1.10 stays 1.10, where Compose makes it 1.1.",
  (reading, at, draft) => {
    draft.set(
      "environment",
      pairs(reading, at, (place, name) => {
        const value = place.origin.document.variables.get(name);
        if (value === undefined) {
          reading.filling.unset(name, place, "left out");
          draft.leaveOut(name);
        }
        return value;
      }),
      at,
    );
    const items = reading.isList(at) ? reading.items(at) : reading.isMap(at) ? [...reading.fields(at).values()] : [];
    for (const item of items)
      if (item.value.kind === "scalar" && SWARM_TEMPLATE.test(item.value.text))
        reading.differs(item, "What stands in braces is taken as it is written; Swarm would fill it in.", "write what is meant.");
  },
);

/** Labels as a mapping, or as a list of `name=value`. */
const labelsInto = (field: "labels" | "deploymentLabels"): Rule<Draft> =>
  honoured((reading, at, draft) => {
    const labels = pairs(reading, at, () => "");
    draft.set(field, labels, at);
  });

/** `labels` of a service: of its containers. */
export const labelsRule = labelsInto("labels");
/** `deploy.labels`: of the service alone. */
export const deploymentLabelsRule = labelsInto("deploymentLabels");

interface EnvFileEntry {
  path?: string;
  required: boolean;
  format: EnvFileFormat;
}

const entryFields: FieldTable<EnvFileEntry> = {
  path: honoured((reading, at, entry) => {
    const path = reading.text(at);
    if (path !== undefined) entry.path = path;
  }),
  required: honoured((reading, at, entry) => {
    entry.required = reading.flag(at) !== false;
  }),
  format: honoured((reading, at, entry) => {
    entry.format = reading.oneOf(at, ["raw"]) ?? "compose";
  }),
};

/** `env_file` of a service; later files over earlier ones, `environment` over all of them. */
export const envFileRule: Rule<Draft> = honoured((reading, place, draft) => {
  const values = new Map<string, string>();
  for (const item of reading.itemsOrOne(place)) {
    const entry: EnvFileEntry = { required: true, format: "compose" };
    if (reading.isMap(item)) readFields(reading, item, entryFields, entry);
    else Object.assign(entry, { path: reading.text(item) });
    if (entry.path === undefined) {
      if (reading.isMap(item)) reading.invalid(item, "A file of variables needs its path.", "write path: FILE.");
      continue;
    }
    addVariables(reading, item, entry.path, entry, values);
  }
  draft.inherit("environment", values, place);
}, entryFields);

/** `label_file` of a service. */
export const labelFileRule: Rule<Draft> = honoured((reading, place, draft) => {
  const values = new Map<string, string>();
  for (const item of reading.itemsOrOne(place)) {
    const path = reading.text(item);
    if (path !== undefined) addVariables(reading, item, path, { required: true, format: "compose" }, values);
  }
  draft.inherit("labels", values, place);
});

function addVariables(
  reading: Reading,
  item: Place,
  named: string,
  { required, format }: Pick<EnvFileEntry, "required" | "format">,
  values: Map<string, string>,
): void {
  const { directory, variables } = item.origin.document;
  const path = reading.files.resolve(named, directory, item);
  const text = path === undefined ? undefined : reading.files.text(path, item, required ? "error" : "allowed");
  if (path === undefined || text === undefined) return;
  readEnvFile(text, path, format, { findings: reading.findings, filling: reading.filling, variables }, values);
}

/** `NAME=VALUE` in a list, or a mapping. */
export function pairs(
  reading: Reading,
  at: Place,
  withoutValue: (place: Place, name: string) => string | undefined,
): Record<string, string> {
  const entries: (readonly [string, string | undefined])[] = reading.isList(at)
    ? reading.items(at).map((item) => listed(reading, item, withoutValue))
    : [...reading.fields(at)].map(([name, place]) => [name, reading.isNull(place) ? withoutValue(place, name) : mapped(reading, place)]);
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, string] => entry[0] !== "" && entry[1] !== undefined));
}

function listed(
  reading: Reading,
  item: Place,
  withoutValue: (place: Place, name: string) => string | undefined,
): readonly [string, string | undefined] {
  if (item.value.kind !== "scalar") reading.invalid(item, "Expected a text with an equals sign in it.", "write NAME=VALUE.");
  const written = item.value.kind === "scalar" ? (reading.text(item) ?? "") : "";
  if (written === "") return ["", undefined];
  const equals = written.indexOf("=");
  const name = equals === -1 ? written : written.slice(0, equals);
  if (name === "") reading.invalid(item, `"${written}" has no name before the equals sign.`);
  if (name.endsWith(" ")) reading.invalid(item, `The name "${name}" ends with a space.`, "write no space before the equals sign.");
  return [name, equals === -1 ? withoutValue(item, name) : written.slice(equals + 1)];
}

function mapped(reading: Reading, place: Place): string | undefined {
  const { value } = place;
  if (value.kind === "scalar" && value.type === "number" && !SAME_AS_NUMBER.test(value.text))
    reading.differs(
      place,
      `${value.text} is taken as it is written; Compose would read a number and write it its own way.`,
      `write "${value.text}" in quotes.`,
    );
  return reading.text(place);
}
