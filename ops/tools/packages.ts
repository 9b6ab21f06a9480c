import { existsSync } from "node:fs";
import { complaintOf, runCommand, succeeded } from "./command.ts";
import type { CommandResult } from "./command.ts";
import type { ProvisionContext } from "./context.ts";
import { rootPrefix } from "./privilege.ts";

/** Installing an engine over a slow line takes minutes; a package manager that hangs longer is given up. */
const INSTALL_TIMEOUT_MS = 15 * 60_000;
/** Another package manager may be at work, as on a machine that has just booted. */
const LOCK_WAIT_SECONDS = 120;

/** `refused`: not done, and `reason` says why in half a sentence. */
export type InstallResult = { readonly kind: "installed" } | { readonly kind: "refused"; readonly reason: string };

/** Whether this machine has the package manager we know how to drive (Debian, Ubuntu and what is made of them). */
export function hasPackageManager(): boolean {
  return existsSync("/usr/bin/apt-get");
}

/** Installs packages of the system's package manager, after consent. Stale package lists are renewed only when they turn out to be. */
export async function installPackages(names: readonly string[], context: ProvisionContext): Promise<InstallResult> {
  const list = names.join(" ");
  if (!hasPackageManager()) return { kind: "refused", reason: "this machine has no apt-get" };
  const prefix = await rootPrefix();
  if (prefix === undefined) return { kind: "refused", reason: "installing needs root, and sudo asks for a password" };
  if (!(await context.consent(`install ${list} with apt-get`))) return { kind: "refused", reason: "you said no" };

  const startedAt = performance.now();
  context.say(`Installing ${list} with apt-get ...`);
  let result = await aptGet(prefix, ["install", "--no-install-recommends", ...names], context);
  if (!succeeded(result)) {
    await aptGet(prefix, ["update"], context);
    result = await aptGet(prefix, ["install", "--no-install-recommends", ...names], context);
  }
  if (!succeeded(result)) return { kind: "refused", reason: `apt-get failed: ${complaintOf(result)}` };
  context.say(`Installed ${list} in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s.`);
  return { kind: "installed" };
}

function aptGet(prefix: readonly string[], args: readonly string[], context: ProvisionContext): Promise<CommandResult> {
  const words = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", `-oDPkg::Lock::Timeout=${LOCK_WAIT_SECONDS}`];
  const [program = "apt-get", ...rest] = [...words, ...args];
  return runCommand(program, rest, { timeoutMs: INSTALL_TIMEOUT_MS, env: context.env });
}
