import type { Condition } from "../stack/contract.ts";
import type { Draft } from "./draft.ts";
import { different, type FieldTable, honoured, readFields, type Rule } from "./fields.ts";
import type { Place, Reading } from "./reading.ts";

interface Entry {
  required: boolean;
  restart: boolean;
  condition: Condition;
}

const conditions = { service_started: "started", service_healthy: "healthy", service_completed_successfully: "completed" } as const;

const entryFields: FieldTable<Entry> = {
  condition: honoured((reading, at, entry) => {
    const condition = reading.oneOf(at, ["service_started", "service_healthy", "service_completed_successfully"]);
    if (condition !== undefined) entry.condition = conditions[condition];
  }),
  restart: different(
    "When a change of the stack replaces the other's containers. One deployment that is restarted or updated by itself restarts nobody else.",
    (reading, at, entry) => {
      entry.restart = reading.flag(at) === true;
    },
  ),
  required: honoured((reading, at, entry) => {
    entry.required = reading.flag(at) !== false;
  }),
};

/** `depends_on` of a service: on each change of the stack it is begun when these are as it demands. */
export const dependsOnRule: Rule<Draft> = honoured((reading, place, draft) => {
  if (reading.isList(place)) {
    for (const item of reading.items(place)) {
      const name = reading.text(item);
      if (name !== undefined) draft.dependencies.push({ name, required: true, restart: false, condition: "started", at: item });
    }
  } else {
    for (const [name, at] of reading.fields(place)) draft.dependencies.push({ name, ...readEntry(reading, at), at });
  }
}, entryFields);

function readEntry(reading: Reading, at: Place): Entry {
  const entry: Entry = { required: true, restart: false, condition: "started" };
  if (reading.isNull(at)) return entry;
  readFields(reading, at, entryFields, entry);
  return entry;
}
