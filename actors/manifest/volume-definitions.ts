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
import type { Place, Reading } from "./reading.ts";
import type { VolumeDefinition } from "./resources.ts";

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
    for (const [key, place] of reading.fields(at))
      if (!key.startsWith("x-"))
        reading.resources.volumes.set(key, volumeOf(reading, key, readDefinition(reading, place, fields, newDefinition())));
  }, fields),
  mayBeEmpty: true,
};

function volumeOf(reading: Reading, key: string, definition: Definition): VolumeDefinition {
  const { external, labels, driverOptions } = definition;
  return {
    name: fullName(reading, key, definition),
    external,
    ...(labels !== undefined && { labels }),
    ...(driverOptions !== undefined && { driverOptions }),
  };
}

/**
 * The volume of this name. One that nobody defined is taken for one without settings, as several products that build on Compose do; that is said where it is
 * first used, because it may be a slip.
 */
export function volumeNamed(reading: Reading, key: string, at: Place): VolumeDefinition {
  const defined = reading.resources.volumes.get(key);
  if (defined?.inPlaceOf !== undefined) sharesItsName(reading, key, defined.inPlaceOf, at);
  if (defined !== undefined) return defined;
  reading.differs(
    at,
    `There is no volume "${key}" under volumes, where Compose wants one: it is made as if there were.`,
    `write volumes: and below it ${key}:`,
  );
  const made = volumeOf(reading, key, newDefinition());
  reading.resources.volumes.set(key, made);
  return made;
}

/**
 * The volume that stands for a folder beside the manifest, where Compose would make an empty one. It is called as the folder is, so that a volume of that
 * name, written in its place, has the same data. Undefined with a finding where that would mix up the data of two.
 */
export function volumeInPlaceOf(reading: Reading, path: string, source: string, at: Place): VolumeDefinition | undefined {
  const key = pathAsName(path);
  const { volumes } = reading.resources;
  const known = volumes.get(key);
  if (known !== undefined) return known.inPlaceOf === path ? known : sharesItsName(reading, key, source, at);
  const around = [...volumes.values()].find(
    ({ inPlaceOf = "" }) => inPlaceOf !== "" && (isWithin(path, inPlaceOf) || isWithin(inPlaceOf, path)),
  );
  if (around !== undefined)
    return reading.findings.error(
      "conflict",
      at,
      `Of ${path} and ${around.inPlaceOf}, one is in the other: each would be a volume of its own.`,
      "mount the outer one alone, in each service that needs a part of it.",
    );
  const made = { ...volumeOf(reading, key, newDefinition()), inPlaceOf: path };
  reading.differs(
    at,
    `There is no ${source} beside the manifest: where Compose would make a folder, the volume ${made.name} is made.`,
    `write ${key} in its place, and under volumes ${key}:`,
  );
  for (const folder of reading.resources.folders) if (isWithin(path, folder)) isWrittenApart(reading, path, folder, at);
  volumes.set(key, made);
  return made;
}

/** Call it for a folder whose files have been read: what a container writes to a folder in it is in a volume, and not there. */
export function noteReadFolder(reading: Reading, path: string, at: Place): void {
  const { volumes, folders } = reading.resources;
  if (folders.has(path)) return;
  folders.add(path);
  for (const { inPlaceOf = "" } of volumes.values()) if (isWithin(inPlaceOf, path)) isWrittenApart(reading, inPlaceOf, path, at);
}

function isWrittenApart(reading: Reading, inner: string, folder: string, at: Place): void {
  reading.differs(
    at,
    `What is written to ${inner} is not seen in ${folder}, which is read when the manifest is applied.`,
    `mount ${inner} wherever it is needed, at its own place.`,
  );
}

/** `nginx/app.conf` is called `nginx-app.conf`. */
export function pathAsName(path: string): string {
  return path.replaceAll(/[^A-Za-z0-9_.-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
}

function isWithin(path: string, folder: string): boolean {
  return folder === "." ? path !== "" : path.startsWith(`${folder}/`);
}

function sharesItsName(reading: Reading, key: string, source: string, at: Place): undefined {
  return reading.findings.error(
    "conflict",
    at,
    `${source} becomes the volume ${key}, and there is another volume of this name.`,
    "give that one another name.",
  );
}
