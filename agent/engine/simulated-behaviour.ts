import { splitReference } from "../../actors/deployment/image-name-contract.ts";

/**
 * What the process in a simulated container does. The image's repository name chooses a script, its tag may carry a number, and `SIM_*` variables
 * of the environment have the last word:
 *
 * | image           | behaves                                           |
 * |-----------------|---------------------------------------------------|
 * | `sim/crash:N`   | exits with code N (default 1) after 1 s           |
 * | `sim/job:N`     | exits with code 0 after N ms (default 1000)       |
 * | `sim/oom`       | is killed for memory after 1 s                    |
 * | `sim/sick`      | never becomes healthy                             |
 * | `sim/sicken:N`  | healthy at first, unhealthy N ms after its start  |
 * | `sim/slow:N`    | healthy only N ms (default 5000) after its start  |
 * | `sim/stubborn`  | ignores its stop signal                           |
 * | `sim/nocommand` | its command does not exist                        |
 * | any other       | runs, and is healthy 100 ms after its start       |
 *
 * Variables, all in whole numbers: `SIM_START_MS`, `SIM_HEALTHY_AFTER_MS` (-1: never), `SIM_SICK_AFTER_MS`, `SIM_EXIT_AFTER_MS`, `SIM_EXIT_CODE`,
 * `SIM_OOM_AFTER_MS`, `SIM_STOP_MS` (-1: ignores the signal), `SIM_CPU_MILLIS`, `SIM_MEMORY_BYTES`, `SIM_LOG_EVERY_MS` (0: silent).
 */
export interface SimulatedBehaviour {
  readonly commandExists: boolean;
  /** From the call to the process running. */
  readonly startMs: number;
  readonly healthyAfterMs: number | undefined;
  readonly sickAfterMs: number | undefined;
  readonly exitAfterMs: number | undefined;
  readonly exitCode: number;
  readonly outOfMemoryAfterMs: number | undefined;
  /** From the stop signal to the end. Undefined: the signal is ignored. */
  readonly stopMs: number | undefined;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  /** 0: silent after its first line. */
  readonly logEveryMs: number;
}

const ORDINARY: SimulatedBehaviour = {
  commandExists: true,
  startMs: 150,
  healthyAfterMs: 100,
  sickAfterMs: undefined,
  exitAfterMs: undefined,
  exitCode: 0,
  outOfMemoryAfterMs: undefined,
  stopMs: 50,
  cpuMillis: 40,
  memoryBytes: 48 * 1024 * 1024,
  logEveryMs: 5_000,
};

const scripts: Readonly<Record<string, (number: number | undefined) => Partial<SimulatedBehaviour>>> = {
  "sim/crash": (code) => ({ exitAfterMs: 1_000, exitCode: code ?? 1 }),
  "sim/job": (afterMs) => ({ exitAfterMs: afterMs ?? 1_000 }),
  "sim/oom": () => ({ outOfMemoryAfterMs: 1_000 }),
  "sim/sick": () => ({ healthyAfterMs: undefined }),
  "sim/sicken": (afterMs) => ({ sickAfterMs: afterMs ?? 10_000 }),
  "sim/slow": (afterMs) => ({ healthyAfterMs: afterMs ?? 5_000 }),
  "sim/stubborn": () => ({ stopMs: undefined }),
  "sim/nocommand": () => ({ commandExists: false }),
};

/** `pushed` is what the registry holds under the digest; it goes between the image's script and the environment. */
export function simulatedBehaviour(
  reference: string,
  pushed: Partial<SimulatedBehaviour>,
  environment: Readonly<Record<string, string>>,
): SimulatedBehaviour {
  const { repository, tag } = splitReference(reference);
  const number = /^\d{1,9}$/.test(tag) ? Number(tag) : undefined;
  const base = { ...ORDINARY, ...scripts[repository]?.(number), ...pushed };
  const set = (name: string): number | undefined => {
    const text = environment[name];
    return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  const orNever = (value: number | undefined, otherwise: number | undefined) =>
    value === undefined ? otherwise : value < 0 ? undefined : value;
  return {
    commandExists: base.commandExists,
    startMs: set("SIM_START_MS") ?? base.startMs,
    healthyAfterMs: orNever(set("SIM_HEALTHY_AFTER_MS"), base.healthyAfterMs),
    sickAfterMs: orNever(set("SIM_SICK_AFTER_MS"), base.sickAfterMs),
    exitAfterMs: orNever(set("SIM_EXIT_AFTER_MS"), base.exitAfterMs),
    exitCode: set("SIM_EXIT_CODE") ?? base.exitCode,
    outOfMemoryAfterMs: orNever(set("SIM_OOM_AFTER_MS"), base.outOfMemoryAfterMs),
    stopMs: orNever(set("SIM_STOP_MS"), base.stopMs),
    cpuMillis: set("SIM_CPU_MILLIS") ?? base.cpuMillis,
    memoryBytes: set("SIM_MEMORY_BYTES") ?? base.memoryBytes,
    logEveryMs: set("SIM_LOG_EVERY_MS") ?? base.logEveryMs,
  };
}
