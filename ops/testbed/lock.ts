import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Runs `work` while holding an exclusive lock on a file. A child (`flock`) holds it, and lives as long as our end of
 * its standard input: the kernel lets go when this process dies, so that no lock is ever left behind.
 */
export async function withLock<T>(path: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const seconds = String(Math.ceil(timeoutMs / 1_000));
  const holder = spawn("flock", ["-x", "-w", seconds, path, "sh", "-c", "echo held; cat"], { stdio: ["pipe", "pipe", "ignore"] });
  const ended = once(holder, "close");
  const held = await Promise.race([once(holder.stdout, "data").then(() => true), ended.then(() => false)]);
  if (!held) throw new Error(`another process has held ${path} for ${seconds} s`);
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
