import { existsSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { complaintOf, runCommand, succeeded } from "./command.ts";
import type { ProvisionContext } from "./context.ts";
import { probeEngine } from "./engine-probe.ts";
import { hasPackageManager, installPackages } from "./packages.ts";
import type { InstallResult } from "./packages.ts";
import { rootPrefix } from "./privilege.ts";

/** A first start creates networks and storage; 5 s is usual. */
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 200;
const COMMAND_TIMEOUT_MS = 30_000;
const ENGINE_LOG = "/var/log/dockerd.log";
const enginePaths = ["/usr/bin/dockerd", "/usr/sbin/dockerd", "/usr/local/bin/dockerd"];

/** For machines we do not install on: what a person types, by the `ID` of /etc/os-release. */
const commandsBySystem: Readonly<Record<string, readonly string[]>> = {
  fedora: ["sudo dnf install -y moby-engine", "sudo systemctl enable --now docker"],
  alpine: ["sudo apk add docker", "sudo rc-service docker start"],
  arch: ["sudo pacman -S --noconfirm docker", "sudo systemctl enable --now docker"],
  debian: ["sudo apt-get update", "sudo apt-get install -y docker.io", "sudo systemctl enable --now docker"],
};

export function isEngineInstalled(): boolean {
  return enginePaths.some((path) => existsSync(path));
}

export function canInstallEngine(): boolean {
  return hasPackageManager();
}

export function installEngine(context: ProvisionContext): Promise<InstallResult> {
  // acl: lets the user who started us in without a new login, see grantAccess.
  return installPackages(process.getuid?.() === 0 ? ["docker.io"] : ["docker.io", "acl"], context);
}

/** The exact commands that put an engine on this machine. */
export function installCommands(): readonly string[] {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const names = [...release.matchAll(/^ID(?:_LIKE)?="?([^"\n]+)"?$/gm)].flatMap((found) => found[1]?.split(" ") ?? []);
  const known = names.find((name) => commandsBySystem[name] !== undefined);
  return (known === undefined ? undefined : commandsBySystem[known]) ?? ["curl -fsSL https://get.docker.com | sudo sh"];
}

/** Starts an installed engine: by systemd where it runs, else as a daemon of its own that outlives us. Waits until it answers. */
export async function startEngine(socketPath: string, context: ProvisionContext): Promise<InstallResult> {
  if (await answers(socketPath)) return { kind: "installed" };
  const prefix = await rootPrefix();
  if (prefix === undefined) return { kind: "refused", reason: "it is installed but not running, and starting it needs root" };
  if (!(await context.consent("start the Docker engine"))) return { kind: "refused", reason: "it is installed but not running" };
  context.say("Starting the Docker engine ...");
  const hasSystemd = existsSync("/run/systemd/system");
  const detached = ["sh", "-c", `exec setsid --fork dockerd >>${ENGINE_LOG} 2>&1 </dev/null`];
  const [program = "sh", ...args] = [...prefix, ...(hasSystemd ? ["systemctl", "start", "docker"] : detached)];
  const result = await runCommand(program, args, { timeoutMs: COMMAND_TIMEOUT_MS });
  if (!succeeded(result)) return { kind: "refused", reason: `it could not be started: ${complaintOf(result)}` };

  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (await answers(socketPath)) return { kind: "installed" };
    await delay(POLL_MS);
  }
  const log = hasSystemd ? "journalctl -u docker" : ENGINE_LOG;
  return { kind: "refused", reason: `it was started but did not answer within ${START_TIMEOUT_MS / 1_000} s; ${log} says why` };
}

/**
 * Lets this user use an engine that belongs to the group `docker`: membership for every later login, and an entry in the socket's
 * access list for this one. Done only where sudo needs no password; false when it was not.
 */
export async function grantAccess(socketPath: string, context: ProvisionContext): Promise<boolean> {
  const prefix = await rootPrefix();
  if (prefix === undefined) return false;
  const user = userInfo().username;
  if (!(await context.consent(`let ${user} use the Docker engine (group docker)`))) return false;
  if (!existsSync("/usr/bin/setfacl") && (await installPackages(["acl"], context)).kind === "refused") return false;
  context.say(`Letting ${user} use the Docker engine ...`);
  for (const words of [
    ["usermod", "-aG", "docker", user],
    ["setfacl", "-m", `u:${user}:rw`, socketPath],
  ]) {
    const [program = "sudo", ...args] = [...prefix, ...words];
    if (!succeeded(await runCommand(program, args, { timeoutMs: COMMAND_TIMEOUT_MS }))) return false;
  }
  return true;
}

async function answers(socketPath: string): Promise<boolean> {
  const { kind } = await probeEngine(socketPath);
  return kind !== "absent" && kind !== "stopped";
}
