import { readFile, rm } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A server that has not ended by then is killed. */
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 20;

/**
 * Ends a server that an earlier run left behind: two of them on one store would destroy it. Only a process that still runs our
 * configuration is touched, since the pid may be somebody else's by now.
 */
export async function stopLeftover(pidFile: string, configFile: string): Promise<void> {
  const pid = Number(await readFile(pidFile, "utf8").catch(() => ""));
  if (Number.isInteger(pid) && pid > 1 && (await runsWith(pid, configFile))) {
    process.kill(pid, "SIGTERM");
    const deadline = performance.now() + STOP_TIMEOUT_MS;
    while ((await runsWith(pid, configFile)) && performance.now() < deadline) await delay(POLL_MS);
    if (await runsWith(pid, configFile)) process.kill(pid, "SIGKILL");
    while (await runsWith(pid, configFile)) await delay(POLL_MS);
  }
  await rm(pidFile, { force: true });
}

async function runsWith(pid: number, configFile: string): Promise<boolean> {
  const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
  return basename(words[0] ?? "").startsWith("nats-server") && words.includes(configFile);
}
