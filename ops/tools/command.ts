import { spawn } from "node:child_process";

/** Of what a program says only the last part is kept. */
const KEPT_OUTPUT_CHARS = 16_384;

/** How a program ended. `not-started`: it is not there or not executable. `timed-out`: it was killed at the deadline. */
export type CommandResult =
  | { readonly kind: "exited"; readonly code: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: "not-started"; readonly cause: Error }
  | { readonly kind: "timed-out"; readonly stderr: string };

export interface CommandOptions {
  readonly timeoutMs: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program without input to its end. */
export function runCommand(program: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env: options.env ?? process.env, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, options.timeoutMs);
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout = (stdout + chunk).slice(-KEPT_OUTPUT_CHARS)));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr = (stderr + chunk).slice(-KEPT_OUTPUT_CHARS)));
    child.on("error", (cause) => {
      clearTimeout(timer);
      resolve({ kind: "not-started", cause });
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve(isLate ? { kind: "timed-out", stderr } : { kind: "exited", code: code ?? 1, stdout, stderr });
    });
  });
}

export function succeeded(result: CommandResult): result is Extract<CommandResult, { kind: "exited" }> {
  return result.kind === "exited" && result.code === 0;
}

/** The last thing a program said before it failed, in one line for a person. */
export function complaintOf(result: CommandResult): string {
  switch (result.kind) {
    case "not-started":
      return result.cause.message;
    case "timed-out":
      return `no answer in time${result.stderr === "" ? "" : `; last said: ${lastLine(result.stderr)}`}`;
    case "exited":
      return lastLine(result.stderr) || lastLine(result.stdout) || `exit code ${result.code}`;
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}
