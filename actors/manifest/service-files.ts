import { didYouMean } from "./did-you-mean.ts";
import type { GivenFile } from "../deployment/file-contract.ts";
import type { Draft } from "./draft.ts";
import { different, type FieldTable, honoured, readFields, type Rule } from "./fields.ts";
import { fileMode } from "./quantities.ts";
import type { Place, Reading } from "./reading.ts";

type Kind = Exclude<GivenFile["kind"], "folder">;

interface Grant {
  source?: string;
  target?: string;
  uid?: number;
  gid?: number;
  mode?: number;
}

const text = (field: "source" | "target"): Rule<Grant> =>
  honoured((reading, at, grant) => {
    const written = reading.text(at);
    if (written !== undefined) grant[field] = written;
  });
const id = (field: "uid" | "gid"): Rule<Grant> =>
  different("A number; names of users are known in the container alone.", (reading, at, grant) => {
    const number = reading.wholeNumber(at);
    if (number !== undefined) grant[field] = number;
  });

const fields: FieldTable<Grant> = {
  source: text("source"),
  target: text("target"),
  uid: id("uid"),
  gid: id("gid"),
  mode: different("0444 without it, for secrets too; nobody can write to it in any case.", (reading, at, grant) => {
    const mode = fileMode(at.value);
    if (mode === undefined || mode > 0o777) reading.invalid(at, "This is not a mode of a file.", 'write it in octal, like "0440".');
    else grant.mode = mode;
  }),
};

/** `configs` or `secrets` of a service. */
export const serviceFilesRule = (kind: Kind): Rule<Draft> =>
  different(
    "The content is sealed when the manifest is applied, and reaches the container as a read-only file from memory.",
    (reading, place, draft) => {
      for (const item of reading.items(place)) {
        const file = readGrant(reading, item, kind);
        if (file !== undefined) draft.addFile(reading, file, item);
      }
    },
    fields,
  );

function readGrant(reading: Reading, item: Place, kind: Kind): GivenFile | undefined {
  const grant: Grant = {};
  if (reading.isMap(item)) readFields(reading, item, fields, grant);
  else Object.assign(grant, { source: reading.text(item) });
  const { source, target = source, uid, gid, mode } = grant;
  if (source === undefined || target === undefined)
    return reading.isMap(item) ? reading.invalid(item, `It does not say which ${kind} is meant.`, "write source: NAME.") : undefined;
  const definition = reading.resources[`${kind}s`].get(source);
  if (definition === undefined)
    return reading.findings.error(
      "reference",
      item,
      `There is no ${kind} "${source}" under ${kind}s, where Compose wants one.`,
      didYouMean(source, reading.resources[`${kind}s`].keys()) ?? `write ${kind}s: at the top, and below it ${source}: with its file.`,
    );
  const value = definition.value();
  if (value === undefined && !definition.external) return undefined;
  return {
    kind,
    name: definition.name,
    target: target.startsWith("/") ? target : `${kind === "secret" ? "/run/secrets" : ""}/${target}`,
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(mode !== undefined && { mode }),
    ...(value !== undefined && { value }),
  };
}
