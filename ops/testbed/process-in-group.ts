import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { makeCgroup } from "./cgroup.ts";

/** The shell joins the group before it becomes the program, so that nothing the program starts can be outside of it. */
const JOIN_AND_EXEC = 'for procs in $JOIN; do echo $$ > "$procs"; done; unset JOIN; exec "$@"';

export interface SpawnInGroupOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** A file that standard output and error are appended to; without one they are pipes. */
  readonly logPath?: string;
}

/** Starts a program as a member of a testbed's cgroup, where its end can always be brought about. */
export function spawnInGroup(group: string, command: readonly string[], options: SpawnInGroupOptions = {}): ChildProcess {
  const env = { ...(options.env ?? process.env), JOIN: makeCgroup(group).join(" ") };
  const args = ["-c", JOIN_AND_EXEC, "sh", ...command];
  const cwd = options.cwd === undefined ? {} : { cwd: options.cwd };
  if (options.logPath === undefined) return spawn("sh", args, { ...cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const log = openSync(options.logPath, "a");
  try {
    const child = spawn("sh", args, { ...cwd, env, detached: true, stdio: ["ignore", log, log] });
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}
