import { openSync } from "node:fs";
import { pino } from "pino";
import type { Log } from "../runtime/log.ts";
import { pinoLog, type LogLevel } from "../runtime/pino-log.ts";

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Lines that wait for a disk that takes none; beyond it the newest are dropped. */
const MAX_BACKLOG_BYTES = 4_194_304;

/** JSON lines: into the file, else to standard output. `ODYSSEUS_LOG_LEVEL` is debug, info (default), warn or error. Throws where the file cannot be opened. */
export function consoleLog(facts: Readonly<Record<string, unknown>>, file?: string): Log {
  const level = LEVELS.find((known) => known === process.env["ODYSSEUS_LOG_LEVEL"]) ?? "info";
  return pinoLog({ level, destination: file === undefined ? pino.destination({ dest: 1, sync: true }) : appendingTo(file) }).with(facts);
}

function appendingTo(file: string): { write(line: string): void } {
  // Opened here and now: a process may have to end, and to write out its log, before a file opened in the background is there.
  const destination = pino.destination({ dest: openSync(file, "a", 0o600), sync: false, maxLength: MAX_BACKLOG_BYTES });
  // A full disk costs log lines, not the process; what could not be written is tried again with the next line.
  destination.on("error", () => undefined);
  return destination;
}
