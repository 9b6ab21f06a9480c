import { exitCodes } from "./exit-codes.ts";
import { plain } from "./output.ts";
import { type Problem, Stop } from "./stop.ts";

/** Says on stderr what went wrong and what to do, of a fault the correlation id last, and answers the exit code. With --json: one document. */
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
  const lines = [head, ...fieldLines(stop.problem), ...stop.hints.map((hint) => `  ${plain(hint)}`), ...correlationLines(stop)];
  process.stderr.write(`${lines.join("\n")}\n`);
  return code;
}

/** Every invalid field; one alone is named in the sentence already. */
function fieldLines(problem: Problem | undefined): readonly string[] {
  const fields = problem?.errors ?? [];
  if (fields.length === 1 && problem?.detail?.includes(fields[0]?.message ?? "") === true) return [];
  return fields.map((field) => `  ${plain(field.pointer)}: ${plain(field.message)}`);
}

/** What leads to the log of the control plane, where the fault may be there. A person's own slip needs no number; --json always has it. */
function correlationLines({ exit, problem }: Stop): readonly string[] {
  if (problem?.correlationId === undefined || (exit !== "serverFault" && exit !== "unavailable")) return [];
  return [`  (${[problem.code, `correlation id ${problem.correlationId}`].filter((part) => part !== undefined).join(", ")})`];
}
