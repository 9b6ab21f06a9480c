import { runCommand, succeeded } from "./command.ts";

const SUDO_TIMEOUT_MS = 5_000;

/** The words to put before a command so that it runs as root; undefined when this user cannot without being asked for a password. */
export async function rootPrefix(): Promise<readonly string[] | undefined> {
  if (process.getuid?.() === 0) return [];
  return succeeded(await runCommand("sudo", ["-n", "true"], { timeoutMs: SUDO_TIMEOUT_MS })) ? ["sudo", "-n"] : undefined;
}
