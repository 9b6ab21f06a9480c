import { pino, type Logger } from "pino";
import type { Log } from "../runtime/log.ts";

/** JSON lines: into the file, else to standard output. `ODYSSEUS_LOG_LEVEL` is debug, info (default), warn or error. */
export function consoleLog(facts: Readonly<Record<string, unknown>>, file?: string): Log {
  const level = process.env["ODYSSEUS_LOG_LEVEL"] ?? "info";
  const destination = file === undefined ? pino.destination({ dest: 1, sync: true }) : pino.destination({ dest: file, append: true, mkdir: true, mode: 0o600, sync: false });
  return logOf(pino({ level, base: facts, errorKey: "error" }, destination));
}

function logOf(logger: Logger): Log {
  return {
    debug: (message, facts) => logger.debug(facts ?? {}, message),
    info: (message, facts) => logger.info(facts ?? {}, message),
    warn: (message, facts) => logger.warn(facts ?? {}, message),
    error: (message, facts) => logger.error(facts ?? {}, message),
    with: (facts) => logOf(logger.child(facts)),
  };
}
