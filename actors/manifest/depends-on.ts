import type { Draft } from "./draft.ts";
import { different, type FieldTable, honoured, readFields, refusedFlag, type Rule } from "./fields.ts";
import type { Place, Reading } from "./reading.ts";

interface Entry {
  required: boolean;
  condition: string;
}

const entryFields: FieldTable<Entry> = {
  condition: different(
    "service_started and service_healthy give the order; service_completed_successfully is refused: replicas run on, none completes.",
    (reading, at, entry) => {
      const conditions = ["service_started", "service_healthy", "service_completed_successfully"] as const;
      const condition = reading.oneOf(at, conditions);
      entry.condition = condition ?? "";
      if (condition === "service_completed_successfully")
        reading.refuse(
          at,
          "Services that run once and complete are not supported yet: nothing would ever be complete.",
          "do that work when the service itself starts.",
        );
    },
  ),
  restart: refusedFlag("A service is not restarted because another one was changed.", "leave it out."),
  required: honoured((reading, at, entry) => {
    entry.required = reading.flag(at) !== false;
  }),
};

/** `depends_on` of a service. */
export const dependsOnRule: Rule<Draft> = different(
  "Services are applied in this order, and the next does not wait until the one before is healthy.",
  (reading, place, draft) => {
    if (reading.isList(place)) {
      for (const item of reading.items(place)) {
        const name = reading.text(item);
        if (name !== undefined) draft.dependencies.push({ name, required: true, at: item });
      }
    } else {
      for (const [name, at] of reading.fields(place)) draft.dependencies.push({ name, ...readEntry(reading, at), at });
    }
    if (draft.dependencies.length > 0)
      reading.differs(
        place,
        "Services are applied in this order, but the next does not wait until the one before is ready.",
        "let the service try again until the other one answers; it is started again when it ends.",
      );
  },
  entryFields,
);

function readEntry(reading: Reading, at: Place): Entry {
  const entry: Entry = { required: true, condition: "" };
  if (reading.isNull(at)) return entry;
  readFields(reading, at, entryFields, entry);
  return entry;
}
