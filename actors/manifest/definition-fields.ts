import { pairs } from "./environment.ts";
import { different, type FieldTable, honoured, readFields, type Rule } from "./fields.ts";
import type { Place, Reading } from "./reading.ts";

/** What definitions of volumes, networks, configs and secrets have in common. */
export interface Definition {
  /** As written. */
  name?: string;
  external: boolean;
  externalName?: string;
  labels?: Record<string, string>;
  driverOptions?: Record<string, string>;
}

export function newDefinition(): Definition {
  return { external: false };
}

const externalFields: FieldTable<Definition> = {
  name: honoured((reading, at, definition) => {
    const name = reading.text(at);
    if (name !== undefined) definition.externalName = name;
  }),
};

export const nameRule: Rule<Definition> = honoured((reading, at, definition) => {
  const name = reading.text(at);
  if (name !== undefined) definition.name = name;
});

export const labelsRule: Rule<Definition> = honoured((reading, at, definition) => {
  definition.labels = pairs(reading, at, () => "");
});

export const driverOptionsRule: Rule<Definition> = honoured((reading, at, definition) => {
  definition.driverOptions = pairs(reading, at, () => "");
});

/** `true`, or in the older form a mapping with its name. */
export const externalRule = (note: string): Rule<Definition> =>
  different(note, (reading, at, definition) => {
    if (reading.isMap(at)) {
      definition.external = true;
      readFields(reading, at, externalFields, definition);
    } else definition.external = reading.flag(at) === true;
    if (definition.external) reading.differs(at, note);
  });

/** Under the name that is written; else within the project, unless it is there without it. */
export function fullName(reading: Reading, key: string, { name, external, externalName }: Definition): string {
  return externalName ?? name ?? (external ? key : `${reading.project}_${key}`);
}

/** A definition without a word means all defaults. */
export function readDefinition<Into extends Definition>(reading: Reading, place: Place, fields: FieldTable<Into>, into: Into): Into {
  if (reading.isNull(place)) return into;
  readFields(reading, place, fields, into);
  if (into.external)
    for (const [name, at] of reading.fields(place))
      if (name !== "external" && name !== "name" && Object.hasOwn(fields, name))
        reading.differs(at, `${name} means nothing beside external: it is there already, as it is.`, "leave one of them out.");
  return into;
}
