import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../ops/cli/main.ts", import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly process: ChildProcessWithoutNullStreams;
  /** Resolves when what it wrote so far satisfies the condition. */
  readonly until: (condition: (written: { readonly stdout: string; readonly stderr: string }) => boolean) => Promise<void>;
  readonly ended: Promise<CliResult>;
}

/** The command line as a process of its own, with nothing of this machine's environment. */
export function startCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningCli {
  const child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent", ...env } });
  const written = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      written[name] += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...written }));
  });
  return {
    process: child,
    ended,
    until: (condition) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!condition(written)) return;
          listeners.delete(check);
          resolve();
        };
        listeners.add(check);
        void ended.then((result) => (condition(result) ? resolve() : reject(new Error(`it ended first: ${JSON.stringify(result)}`))));
        check();
      }),
  };
}

export async function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}, stdin = ""): Promise<CliResult> {
  const running = startCli(args, env);
  running.process.stdin.on("error", () => undefined);
  running.process.stdin.end(stdin);
  return running.ended;
}
