import { pino, stdSerializers, type Logger } from "pino";
import type { Log, LogFacts } from "./log.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** A line of JSON each, to standard error unless told. An `error` is written with its stack and its causes. */
export function pinoLog(options: { readonly level: LogLevel; readonly destination?: { write(line: string): void } }): Log {
  const logger = pino(
    { level: options.level, base: null, serializers: { error: stdSerializers.err } },
    options.destination ?? pino.destination(2),
  );
  return over(logger);
}

function over(logger: Logger): Log {
  return {
    debug: (message, facts: LogFacts = {}) => logger.debug(facts, message),
    info: (message, facts: LogFacts = {}) => logger.info(facts, message),
    warn: (message, facts: LogFacts = {}) => logger.warn(facts, message),
    error: (message, facts: LogFacts = {}) => logger.error(facts, message),
    with: (facts) => over(logger.child(facts)),
  };
}
