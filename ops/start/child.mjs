import { spawn } from "node:child_process";
import { constants } from "node:os";

/** Ctrl-C reaches us from the terminal and again from npm: signals this close together are one wish. */
const SAME_WISH_MS = 500;
/** @type {readonly NodeJS.Signals[]} */
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs a program in the foreground until it ends and gives back the code to end with.
 * The child leads a process group of its own, so that a signal reaches it through us alone, once.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [environment]
 * @returns {Promise<number>} 128 + signal number when a signal ended it
 */
export function runInForeground(command, args, environment = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit", detached: true, env: environment });
    let lastAt = Number.NEGATIVE_INFINITY;
    /** @param {NodeJS.Signals} signal */
    const forward = (signal) => {
      const now = performance.now();
      if (now - lastAt >= SAME_WISH_MS) child.kill(signal);
      lastAt = now;
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      for (const name of FORWARDED) process.off(name, forward);
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
