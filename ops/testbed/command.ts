import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";

/** A command that takes longer than this is killed and counts as failed. */
export const COMMAND_TIMEOUT_MS = 60_000;
/** Of a failed command's standard error the last characters are kept for the message. */
const ERROR_TAIL_CHARS = 2_000;
const POLL_MS = 20;

export class CommandFailed extends Error {
  readonly program: string;
  readonly exitCode: number | null;
  /** The program's last line: most say there what went wrong. */
  readonly lastLine: string;
  constructor(program: string, args: readonly string[], exitCode: number | null, detail: string) {
    super(`${program} ${args.join(" ")} failed (${exitCode ?? "killed"}): ${detail.trim()}`);
    this.name = "CommandFailed";
    this.program = program;
    this.exitCode = exitCode;
    this.lastLine = detail.trim().split("\n").at(-1) ?? "";
  }
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
  readonly input?: string;
}

/** Runs a program to its end and gives its standard output; anything but exit code 0 throws CommandFailed. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(program, args, { env: options.env ?? process.env, stdio: ["pipe", "pipe", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? COMMAND_TIMEOUT_MS);
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (err = (err + chunk).slice(-ERROR_TAIL_CHARS)));
  child.stdin.on("error", () => undefined); // a program that does not read its input is no failure
  child.stdin.end(options.input ?? "");
  child.on("error", (cause) => {
    clearTimeout(timer);
    reject(new Error(`${program} could not be started`, { cause }));
  });
  child.on("close", (code) => {
    clearTimeout(timer);
    if (code === 0) resolve(out);
    else reject(new CommandFailed(program, args, code, err || out.slice(-ERROR_TAIL_CHARS)));
  });
  return promise;
}

/** Runs a command whose failure means "was not there": true when it succeeded. */
export async function attempt(program: string, args: readonly string[], options: RunOptions = {}): Promise<boolean> {
  return run(program, args, options).then(
    () => true,
    () => false,
  );
}

/** Polls until the condition holds; throws naming `what` when `timeoutMs` have passed. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  everyMs = POLL_MS,
): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    if (performance.now() - start > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await delay(everyMs);
  }
}
