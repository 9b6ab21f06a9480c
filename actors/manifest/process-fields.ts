import { constants } from "node:os";
import type { Draft, Spec } from "./draft.ts";
import { pairs } from "./environment.ts";
import { different, type FieldTable, honoured, type Rule } from "./fields.ts";
import { preStopRule, postStartRule } from "./hooks.ts";
import type { Place, Reading } from "./reading.ts";

type Flag = "tty" | "stdinOpen" | "readOnlyRoot";
type Texts = "groups" | "capAdd" | "capDrop";

/** What the engine does anyway when it is switched off. */
const flag = (field: Flag): Rule<Draft> =>
  honoured((reading, at, draft) => draft.set(field, reading.flag(at) === true ? true : undefined, at));

export const text = (field: "image" | "user" | "workingDirectory"): Rule<Draft> =>
  honoured((reading, at, draft) => draft.set(field, reading.text(at), at));

/** An empty text, as a variable that is not set leaves it, says nothing. */
const name = (field: "hostname" | "domainname"): Rule<Draft> =>
  honoured((reading, at, draft) => {
    const written = reading.text(at);
    if (written?.includes("{{") === true)
      reading.refuse(at, `${field} is taken as it is written: what stands in braces is not filled in, as Swarm does it.`, "write a name.");
    else draft.set(field, written || undefined, at);
  });

/** `SIGINT`, `INT`, `int` and `2` are one signal. */
export const stopSignalRule: Rule<Draft> = honoured((reading, at, draft) => {
  const written = (reading.text(at) ?? "").toUpperCase();
  const numbered = Object.entries(constants.signals).find(([, number]) => String(number) === written)?.[0];
  const signal = numbered ?? (written === "" || written.startsWith("SIG") ? written : `SIG${written}`);
  draft.set("stopSignal", signal || undefined, at);
});

const list = (field: Texts, read: (reading: Reading, item: Place) => string | undefined): Rule<Draft> =>
  honoured((reading, at, draft) =>
    draft.set(
      field,
      reading.items(at).flatMap((item) => read(reading, item) ?? []),
      at,
    ),
  );

const onlyWhereAllowed = "What reaches beyond the container itself is taken only by nodes whose agent's settings allow it.";

/** Fields of a service about its process and what it may do. */
export const processFields: FieldTable<Draft> = {
  init: honoured((reading, at, draft) => draft.set("init", reading.flag(at), at)),
  tty: flag("tty"),
  stdin_open: flag("stdinOpen"),
  read_only: flag("readOnlyRoot"),
  hostname: name("hostname"),
  domainname: name("domainname"),
  group_add: list("groups", (reading, item) => reading.text(item)),
  cap_add: { ...list("capAdd", readCapability), support: "different", note: onlyWhereAllowed },
  cap_drop: list("capDrop", readCapability),
  security_opt: different(onlyWhereAllowed, (reading, at, draft) =>
    draft.set(
      "securityOptions",
      reading.items(at).flatMap((item) => readSecurityOption(reading, item) ?? []),
      at,
    ),
  ),
  sysctls: honoured((reading, at, draft) =>
    draft.set(
      "sysctls",
      pairs(reading, at, () => ""),
      at,
    ),
  ),
  ulimits: honoured((reading, at, draft) => draft.set("ulimits", readUlimits(reading, at), at)),
  annotations: honoured((reading, at, draft) =>
    draft.set(
      "annotations",
      pairs(reading, at, () => ""),
      at,
    ),
  ),
  post_start: postStartRule,
  pre_stop: preStopRule,
};

/** In capitals, without the prefix that some write. */
function readCapability(reading: Reading, item: Place): string | undefined {
  return reading.text(item)?.toUpperCase().replace(/^CAP_/, "");
}

/** `name:value`, `name=value` or a name; a profile of seccomp is a file, and its content is what the engine is given. */
function readSecurityOption(reading: Reading, item: Place): string | undefined {
  const written = reading.text(item);
  if (written === undefined) return undefined;
  const [, name = written, value] = /^([^:=]+)[:=](.*)$/s.exec(written) ?? [];
  if (value === undefined) return name;
  if (name !== "seccomp" || value === "unconfined" || value === "builtin") return `${name}=${value}`;
  const path = reading.files.resolve(value, item.origin.document.directory, item);
  const profile = path === undefined ? undefined : reading.files.text(path, item, "error");
  if (profile === undefined) return undefined;
  try {
    return `seccomp=${JSON.stringify(JSON.parse(profile))}`;
  } catch {
    return reading.findings.error("file", item, `${value} is no profile of seccomp: it is not JSON.`);
  }
}

function readUlimits(reading: Reading, at: Place): Spec["ulimits"] {
  const limits = [...reading.fields(at)].flatMap(([name, place]): readonly (readonly [string, { soft: number; hard: number }])[] => {
    if (name.startsWith("x-")) return [];
    if (!reading.isMap(place)) {
      const value = reading.integer(place);
      return value === undefined ? [] : [[name, { soft: value, hard: value }]];
    }
    const fields = reading.fields(place);
    const [soft, hard] = [fields.get("soft"), fields.get("hard")];
    for (const [field, where] of fields)
      if (field !== "soft" && field !== "hard" && !field.startsWith("x-")) reading.unknown(where, field, ["soft", "hard"]);
    if (soft === undefined || hard === undefined)
      return reading.invalid(place, "A limit needs soft and hard, or one number for both.") ?? [];
    const [softValue, hardValue] = [reading.integer(soft), reading.integer(hard)];
    return softValue === undefined || hardValue === undefined ? [] : [[name, { soft: softValue, hard: hardValue }]];
  });
  return Object.fromEntries(limits);
}
