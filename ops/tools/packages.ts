import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { complaintOf, runCommand, succeeded } from "./command.ts";
import type { CommandResult } from "./command.ts";
import type { ProvisionContext } from "./context.ts";
import { rootPrefix } from "./privilege.ts";

/** Installing an engine over a slow line takes minutes; a package manager that hangs longer is given up. */
const INSTALL_TIMEOUT_MS = 15 * 60_000;
/** Another package manager may be at work, as on a machine that has just booted. */
const LOCK_WAIT_SECONDS = 300;
const BATCH_WINDOW_MS = 500;

/** `refused`: not done, and `reason` says why in half a sentence. */
export type InstallResult = { readonly kind: "installed" } | { readonly kind: "refused"; readonly reason: string };

/** Whether this machine has the package manager we know how to drive (Debian, Ubuntu and what is made of them). */
export function hasPackageManager(): boolean {
  return existsSync("/usr/bin/apt-get");
}

interface Batch {
  readonly names: Set<string>;
  readonly result: Promise<InstallResult>;
}

/** What is about to be installed, per provisioning: the tools and the engine ask at the same time, and one run is faster than two. */
const batches = new WeakMap<ProvisionContext, Batch>();

/** Installs packages of the system's package manager, after consent, together with what else is asked for within a moment. */
export function installPackages(names: readonly string[], context: ProvisionContext): Promise<InstallResult> {
  const open = batches.get(context);
  if (open !== undefined) {
    for (const name of names) open.names.add(name);
    return open.result;
  }
  const wanted = new Set(names);
  const result = delay(BATCH_WINDOW_MS).then(() => {
    batches.delete(context);
    return installTogether([...wanted], context);
  });
  batches.set(context, { names: wanted, result });
  return result;
}

/** Stale package lists are renewed only when they turn out to be. */
async function installTogether(names: readonly string[], context: ProvisionContext): Promise<InstallResult> {
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
