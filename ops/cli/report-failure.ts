import { exitCodes } from "./exit-codes.ts";
import { plain } from "./output.ts";
import { Stop } from "./stop.ts";

/** Says on stderr what went wrong and what to do, the correlation id last, and answers the exit code. With --json: one document. */
export function reportFailure(cause: unknown, json: boolean): number {
  const stop = cause instanceof Stop ? cause : undefined;
  if (stop === undefined) {
    process.stderr.write(
      `odysseus: this is a fault of the command line itself: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}\n`,
    );
    return exitCodes.bug;
  }
  const code = exitCodes[stop.exit];
  if (json) {
    const document = {
      error: {
        exit: stop.exit,
        exitCode: code,
        message: stop.message,
        hints: stop.hints,
        ...(stop.problem !== undefined && { problem: stop.problem }),
      },
    };
    process.stderr.write(`${JSON.stringify(document, undefined, 2)}\n`);
    return code;
  }
  const isRed = process.stderr.isTTY && (process.env.NO_COLOR ?? "") === "" && process.env.TERM !== "dumb";
  const head = isRed ? `\u001b[31modysseus:\u001b[0m ${plain(stop.message)}` : `odysseus: ${plain(stop.message)}`;
  const fields = (stop.problem?.errors ?? []).map((field) => `  ${plain(field.pointer)}: ${plain(field.message)}`);
  const correlation =
    stop.problem?.correlationId === undefined
      ? []
      : [`  (${[stop.problem.code, `correlation id ${stop.problem.correlationId}`].filter((part) => part !== undefined).join(", ")})`];
  process.stderr.write(`${[head, ...fields, ...stop.hints.map((hint) => `  ${plain(hint)}`), ...correlation].join("\n")}\n`);
  return code;
}
