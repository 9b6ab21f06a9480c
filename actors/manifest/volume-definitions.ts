import {
  type Definition,
  driverOptionsRule,
  externalRule,
  fullName,
  labelsRule,
  nameRule,
  newDefinition,
  readDefinition,
} from "./definition-fields.ts";
import { different, type FieldTable, honoured, type Rule } from "./fields.ts";

const fields: FieldTable<Definition> = {
  name: nameRule,
  driver: different("Only local: other drivers would have to be on every node.", (reading, at) => {
    const driver = reading.text(at);
    if (driver !== undefined && driver !== "" && driver !== "local")
      reading.refuse(
        at,
        `The driver ${driver} would have to be on every node; only local is supported.`,
        "leave it out, or use driver_opts for NFS and the like.",
      );
  }),
  driver_opts: {
    ...driverOptionsRule,
    support: "different",
    note: "What mounts a directory or a disk of the node is taken only by nodes that allow it.",
  },
  external: externalRule(
    "A volume that is there already is used only on nodes that have it, and whose agent's settings allow it, under allow.volumes.",
  ),
  labels: labelsRule,
};

/** `volumes` of a manifest. */
export const volumesDefinitionRule: Rule<unknown> = {
  ...honoured((reading, at) => {
    if (reading.isNull(at)) return;
    for (const [key, place] of reading.fields(at)) {
      if (key.startsWith("x-")) continue;
      const definition = readDefinition(reading, place, fields, newDefinition());
      const { external, labels, driverOptions } = definition;
      reading.resources.volumes.set(key, {
        name: fullName(reading, key, definition),
        external,
        ...(labels !== undefined && { labels }),
        ...(driverOptions !== undefined && { driverOptions }),
      });
    }
  }, fields),
  mayBeEmpty: true,
};
