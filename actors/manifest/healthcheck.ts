import type { DeploymentSpecInput } from "../deployment/contract.ts";
import type { Draft } from "./draft.ts";
import { different, type FieldTable, honoured, passedOver, readFields, type Rule } from "./fields.ts";
import { durationMs } from "./quantities.ts";
import type { Place, Reading } from "./reading.ts";

type HealthInput = NonNullable<DeploymentSpecInput["health"]>;

/** What Compose means where the manifest says nothing, or zero; Odysseus' own defaults differ. */
export const COMPOSE_INTERVAL_MS = 30_000;
export const COMPOSE_TIMEOUT_MS = 30_000;
export const COMPOSE_RETRIES = 3;

/** More failures in a row are refused, as on every surface. */
const MAX_RETRIES = 1_000;

interface Check {
  disabled?: boolean;
  test?: readonly string[] | "none" | "unreadable";
  intervalMs?: number;
  timeoutMs?: number;
  startPeriodMs?: number;
  retries?: number;
}

const duration = (field: "intervalMs" | "timeoutMs" | "startPeriodMs"): Rule<Check> =>
  honoured((reading, at, check) => {
    const amount = reading.amount(at, durationMs, "30s or 1m30s");
    if (amount !== undefined) check[field] = amount;
  });

const fields: FieldTable<Check> = {
  test: honoured((reading, at, check) => {
    if (!reading.isList(at) || reading.items(at).length > 0) check.test = readTest(reading, at) ?? "unreadable";
  }),
  interval: duration("intervalMs"),
  timeout: duration("timeoutMs"),
  start_period: duration("startPeriodMs"),
  start_interval: passedOver("How often to probe while starting is chosen by the node: often, until the first success.", "leave it out."),
  retries: honoured((reading, at, check) => {
    const retries = reading.wholeNumber(at);
    if (retries !== undefined && retries > MAX_RETRIES)
      reading.refuse(at, `At most ${MAX_RETRIES} failures in a row can be waited for.`, `write ${MAX_RETRIES} and a longer interval.`);
    else if (retries !== undefined) check.retries = retries;
  }),
  disable: honoured((reading, at, check) => {
    check.disabled = reading.flag(at) === true;
  }),
};

/** `healthcheck` of a service. */
export const healthcheckRule: Rule<Draft> = different(
  "A check that the image brings along is not used: without a test, nothing is checked.",
  (reading, place, draft) => draft.set("health", readHealthcheck(reading, place), place),
  fields,
);

/** Undefined: no check, because it is switched off or could not be read. */
function readHealthcheck(reading: Reading, place: Place): HealthInput | undefined {
  const check: Check = {};
  readFields(reading, place, fields, check);
  if (check.disabled === true || check.test === "none" || check.test === "unreadable") return undefined;
  if (check.test === undefined) {
    reading.differs(
      place,
      "Without a test nothing is checked: the one that an image may bring along is not used.",
      'write test: ["CMD", "program", "argument"].',
    );
    return undefined;
  }
  return {
    kind: "command",
    command: [...check.test],
    intervalMs: check.intervalMs || COMPOSE_INTERVAL_MS,
    timeoutMs: check.timeoutMs || COMPOSE_TIMEOUT_MS,
    retries: check.retries || COMPOSE_RETRIES,
    ...(check.startPeriodMs !== undefined && { startPeriodMs: check.startPeriodMs }),
  };
}

/** `NONE`, `CMD` and words, `CMD-SHELL` and a line, or a line alone. */
function readTest(reading: Reading, test: Place): Check["test"] {
  if (!reading.isList(test)) {
    const line = reading.text(test);
    return line === undefined ? undefined : ["/bin/sh", "-c", line];
  }
  const words = reading.items(test).map((item) => reading.text(item) ?? "");
  const [kind, ...rest] = words;
  switch (kind) {
    case "NONE":
      return "none";
    case "CMD":
      return rest.length > 0 ? rest : reading.invalid(test, "CMD needs a command.");
    case "CMD-SHELL":
      return rest.length > 0 ? ["/bin/sh", "-c", ...rest] : reading.invalid(test, "CMD-SHELL needs a line.");
    default:
      return reading.invalid(test, `A test begins with CMD, CMD-SHELL or NONE, not "${kind ?? ""}".`, "write CMD before it.");
  }
}
