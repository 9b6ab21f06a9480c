import { pino } from "pino";
import type { Log } from "../runtime/log.ts";
import { pinoLog, type LogLevel } from "../runtime/pino-log.ts";

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** JSON lines: into the file, else to standard output. `ODYSSEUS_LOG_LEVEL` is debug, info (default), warn or error. */
export function consoleLog(facts: Readonly<Record<string, unknown>>, file?: string): Log {
  const level = LEVELS.find((known) => known === process.env["ODYSSEUS_LOG_LEVEL"]) ?? "info";
  const destination = file === undefined ? pino.destination({ dest: 1, sync: true }) : pino.destination({ dest: file, append: true, mkdir: true, mode: 0o600, sync: false });
  return pinoLog({ level, destination }).with(facts);
}
