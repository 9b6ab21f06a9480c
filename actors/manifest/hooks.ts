import type { Hook } from "../deployment/container-contract.ts";
import type { Draft } from "./draft.ts";
import { pairs } from "./environment.ts";
import { different, type FieldTable, honoured, readFields, type Rule } from "./fields.ts";
import type { Place, Reading } from "./reading.ts";
import { readWords } from "./words.ts";

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

const fields: FieldTable<Partial<Writable<Hook>>> = {
  command: honoured((reading, at, hook) => {
    const words = readWords(reading, at);
    if (words !== undefined) hook.command = words;
  }),
  user: honoured((reading, at, hook) => {
    const user = reading.text(at);
    if (user !== undefined) hook.user = user;
  }),
  privileged: different("Taken only by nodes whose agent's settings allow it.", (reading, at, hook) => {
    if (reading.flag(at) === true) hook.privileged = true;
  }),
  working_dir: honoured((reading, at, hook) => {
    const directory = reading.text(at);
    if (directory !== undefined) hook.workingDirectory = directory;
  }),
  environment: honoured((reading, at, hook) => {
    hook.environment = pairs(reading, at, (place, name) => place.origin.document.variables.get(name));
  }),
};

const rule = (field: "postStart" | "preStop", note: string): Rule<Draft> =>
  different(
    note,
    (reading, place, draft) =>
      draft.set(
        field,
        reading.items(place).flatMap((item) => readHook(reading, item) ?? []),
        place,
      ),
    fields,
  );

export const postStartRule = rule(
  "postStart",
  "The replica counts as running once all have succeeded; each has as long as a start may take, and they are run again when the node's agent was interrupted among them.",
);
export const preStopRule = rule(
  "preStop",
  "They run within stop_grace_period, and what is left of it is the process's; one that fails is told.",
);

function readHook(reading: Reading, item: Place): Hook | undefined {
  const hook: Partial<Writable<Hook>> = {};
  readFields(reading, item, fields, hook);
  const { command, ...rest } = hook;
  return command === undefined || command.length === 0
    ? reading.invalid(item, "A command is missing.", "write command: [program, argument].")
    : { command, ...rest };
}
