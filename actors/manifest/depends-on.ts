import type { Condition } from "../stack/contract.ts";
import type { Draft } from "./draft.ts";
import { different, type FieldTable, honoured, readFields, refusedFlag, type Rule } from "./fields.ts";
import type { Place, Reading } from "./reading.ts";

interface Entry {
  required: boolean;
  condition: Condition;
}

const entryFields: FieldTable<Entry> = {
  condition: different(
    "service_started and service_healthy are waited for; service_completed_successfully is refused: replicas run on, none completes.",
    (reading, at, entry) => {
      switch (reading.oneOf(at, ["service_started", "service_healthy", "service_completed_successfully"])) {
        case "service_healthy":
          entry.condition = "healthy";
          break;
        case "service_completed_successfully":
          reading.refuse(
            at,
            "Services that run once and complete are not supported yet: nothing would ever be complete.",
            "do that work when the service itself starts.",
          );
          break;
        default:
          entry.condition = "started";
      }
    },
  ),
  restart: refusedFlag("A service is not restarted because another one was changed.", "leave it out."),
  required: honoured((reading, at, entry) => {
    entry.required = reading.flag(at) !== false;
  }),
};

/** `depends_on` of a service: on each change of the stack it is begun when these are as it demands. */
export const dependsOnRule: Rule<Draft> = honoured((reading, place, draft) => {
  if (reading.isList(place)) {
    for (const item of reading.items(place)) {
      const name = reading.text(item);
      if (name !== undefined) draft.dependencies.push({ name, required: true, condition: "started", at: item });
    }
  } else {
    for (const [name, at] of reading.fields(place)) draft.dependencies.push({ name, ...readEntry(reading, at), at });
  }
}, entryFields);

function readEntry(reading: Reading, at: Place): Entry {
  const entry: Entry = { required: true, condition: "started" };
  if (reading.isNull(at)) return entry;
  readFields(reading, at, entryFields, entry);
  return entry;
}
