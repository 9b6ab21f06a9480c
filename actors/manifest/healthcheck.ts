import type { DeploymentSpecInput } from "../deployment/contract.ts";
import { durationMs } from "./quantities.ts";
import type { Place, YamlSource } from "./yaml-source.ts";

type HealthInput = NonNullable<DeploymentSpecInput["health"]>;

/** What Compose means where the manifest says nothing; Odysseus' own defaults differ. */
const COMPOSE_INTERVAL_MS = 30_000;
const COMPOSE_TIMEOUT_MS = 30_000;
const COMPOSE_RETRIES = 3;

const known = ["test", "interval", "timeout", "retries", "start_period", "start_interval", "disable"];

/** Undefined: no check, because it is switched off or could not be read. */
export function readHealthcheck(source: YamlSource, place: Place): HealthInput | undefined {
  const fields = source.fields(place);
  for (const [name, at] of fields) if (!known.includes(name)) source.unknown(at, name, known);
  const disable = fields.get("disable");
  if (disable !== undefined && source.flag(disable) === true) return undefined;
  const startInterval = fields.get("start_interval");
  if (startInterval !== undefined)
    source.error(
      startInterval,
      "How often to probe while starting is chosen by the node: often, until the first success.",
      "leave it out.",
    );
  const test = fields.get("test");
  if (test === undefined) return source.error(place, "A health check needs a test.", 'write test: ["CMD", "program", "argument"].');
  const command = readTest(source, test);
  const duration = (name: string): number | undefined => {
    const at = fields.get(name);
    return at === undefined ? undefined : source.amount(at, durationMs, "30s or 1m30s");
  };
  const retriesAt = fields.get("retries");
  const startPeriodMs = duration("start_period");
  const times = {
    intervalMs: duration("interval") ?? COMPOSE_INTERVAL_MS,
    timeoutMs: duration("timeout") ?? COMPOSE_TIMEOUT_MS,
    retries: (retriesAt === undefined ? undefined : source.wholeNumber(retriesAt)) ?? COMPOSE_RETRIES,
    ...(startPeriodMs !== undefined && { startPeriodMs }),
  };
  return command === undefined ? undefined : { kind: "command", command: [...command], ...times };
}

/** `NONE`, `CMD` and words, `CMD-SHELL` and a line, or a line alone. */
function readTest(source: YamlSource, test: Place): readonly string[] | undefined {
  if (!source.isList(test)) {
    const line = source.text(test);
    return line === undefined ? undefined : shell(line);
  }
  const words = source.items(test).map((item) => source.text(item) ?? "");
  const [kind, ...rest] = words;
  switch (kind) {
    case "NONE":
      return undefined;
    case "CMD":
      return rest.length > 0 ? rest : source.error(test, "CMD needs a command.");
    case "CMD-SHELL":
      return rest.length === 1 && rest[0] !== undefined ? shell(rest[0]) : source.error(test, "CMD-SHELL needs exactly one line.");
    default:
      return source.error(test, `A test begins with CMD, CMD-SHELL or NONE, not "${kind ?? ""}".`);
  }
}

function shell(line: string): readonly string[] {
  return ["/bin/sh", "-c", line];
}
