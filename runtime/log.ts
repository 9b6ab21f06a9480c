/** What a line of the log knows besides its words. `error` is written with its stack and its causes. */
export type LogFacts = Readonly<Record<string, unknown>>;

/** How the runtime speaks. Never given secrets, command contents or environment values. */
export interface Log {
  debug(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  error(message: string, facts?: LogFacts): void;
  /** A log that adds these facts to each of its lines. */
  with(facts: LogFacts): Log;
}

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLog,
};
