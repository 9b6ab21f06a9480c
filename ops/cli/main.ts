import { CommanderError } from "commander";
import { exitCodes } from "./exit-codes.ts";
import { addCatalogue, phraseOf } from "./generic.ts";
import { showCursorAtExit } from "./output.ts";
import { buildProgram } from "./program.ts";
import { reportFailure } from "./report-failure.ts";

/** The command line: `odysseus NAME ...`. Ends with one of the documented exit codes. */
async function main(argv: readonly string[]): Promise<void> {
  const interrupted = new AbortController();
  process.on("SIGINT", () => {
    // Whoever asks twice does not want to wait for an orderly end.
    if (interrupted.signal.aborted) process.exit(exitCodes.interrupted);
    interrupted.abort();
  });
  process.once("SIGTERM", () => process.exit(exitCodes.terminated));
  process.stdout.on("error", endWhenNobodyReads);
  process.stderr.on("error", endWhenNobodyReads);
  showCursorAtExit();
  const surroundings = { env: process.env, signal: interrupted.signal, json: argv.includes("--json") };
  const program = buildProgram(surroundings);
  try {
    const phrase = phraseOf(argv);
    if (phrase !== undefined) await addCatalogue(program, phrase, surroundings);
    await program.parseAsync([...argv], { from: "user" });
  } catch (cause) {
    if (!interrupted.signal.aborted)
      process.exitCode = cause instanceof CommanderError ? codeOf(cause) : reportFailure(cause, surroundings.json);
  }
  if (interrupted.signal.aborted) process.exitCode = exitCodes.interrupted;
}

/** Commander has said already what is wrong, or shown the help that was asked for. */
function codeOf(error: CommanderError): number {
  return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
}

function endWhenNobodyReads(error: NodeJS.ErrnoException): void {
  process.exit(error.code === "EPIPE" ? exitCodes.pipeClosed : exitCodes.bug);
}

await main(process.argv.slice(2));
