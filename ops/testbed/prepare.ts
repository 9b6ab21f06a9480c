import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { makeCgroup, removeCgroup } from "./cgroup.ts";
import { attempt, CommandFailed, run } from "./command.ts";
import { withLock } from "./lock.ts";
import { makeRootfs, rootfsPath } from "./rootfs.ts";
import { sweepStaleBeds } from "./sweep.ts";

/** What the machine must have, and the package (the same on Debian and Ubuntu) that brings it. */
const TOOLS: readonly (readonly [program: string, package_: string])[] = [
  ["ip", "iproute2"],
  ["nsenter", "util-linux"],
  ["unshare", "util-linux"],
  ["flock", "util-linux"],
  ["mount", "mount"],
];
const BUILD_TOOLS: typeof TOOLS = [["debootstrap", "debootstrap"]];
const APT_TIMEOUT_MS = 5 * 60_000;

/** Either everything is there, or one sentence says what is missing on this machine. */
export type Prepared =
  | { readonly kind: "ready"; readonly cache: string; readonly rootfs: string }
  | { readonly kind: "unavailable"; readonly reason: string };

/** `ODYSSEUS_TESTBED`, else the XDG cache directory. */
export function cacheDirectory(): string {
  return process.env["ODYSSEUS_TESTBED"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "odysseus-testbed");
}

/**
 * Brings this machine to the point where testbeds can be made: installs the few packages it lacks, builds the nodes' root
 * file system once, and removes what killed test runs have left behind. Never throws: a machine that cannot is a reason.
 */
export async function prepare(): Promise<Prepared> {
  if (process.getuid?.() !== 0) return unavailable("needs root, for engines with networks and processes of their own");
  const cache = cacheDirectory();
  try {
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    await installMissing(cache, existsSync(rootfsPath(cache)) ? TOOLS : [...TOOLS, ...BUILD_TOOLS]);
    if (!(await attempt("unshare", ["-m", "-u", "-i", "-n", "-p", "--fork", "true"]))) {
      return unavailable("this kernel or container refuses new namespaces");
    }
    if (!cgroupsWritable()) return unavailable("the cgroup file system at /sys/fs/cgroup is missing or read-only");
    const rootfs = await makeRootfs(cache);
    await sweepStaleBeds(cache);
    return { kind: "ready", cache, rootfs };
  } catch (error) {
    if (error instanceof CommandFailed) return unavailable(`${error.program} failed: ${error.lastLine}`);
    return unavailable(error instanceof Error ? error.message : String(error));
  }
}

const unavailable = (reason: string): Prepared => ({ kind: "unavailable", reason });

async function installMissing(cache: string, tools: typeof TOOLS): Promise<void> {
  const missing = async (): Promise<readonly string[]> => {
    const absent = await Promise.all(tools.map(async ([program]) => !(await attempt("sh", ["-c", `command -v ${program}`]))));
    return [...new Set(tools.filter((_, index) => absent[index]).map(([, package_]) => package_))];
  };
  if ((await missing()).length === 0) return;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args: string[]): Promise<string> =>
    run("apt-get", ["-q", "-y", "-o", "DPkg::Lock::Timeout=120", ...args], { env, timeoutMs: APT_TIMEOUT_MS });
  await withLock(join(cache, "apt.lock"), APT_TIMEOUT_MS, async () => {
    const packages = await missing();
    if (packages.length === 0) return;
    const install = (): Promise<string> => apt("install", "--no-install-recommends", ...packages);
    await install().catch(async () => {
      await apt("update"); // the lists are old or were never fetched
      await install();
    });
  });
}

function cgroupsWritable(): boolean {
  const probe = `probe-${process.pid}`;
  try {
    return makeCgroup(probe).length > 0;
  } catch {
    return false;
  } finally {
    removeCgroup(probe);
  }
}
