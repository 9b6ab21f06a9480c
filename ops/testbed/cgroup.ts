import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "./command.ts";

/** Everything of every testbed lives below this group: membership in it is the proof that a process is ours. */
export const CGROUP_ROOT = "odysseus-testbed";
/** A process that ignores SIGKILL for this long is stuck in the kernel: ending the testbed fails and says so. */
const KILL_TIMEOUT_MS = 15_000;
/** After this, programs that wait for others in inner namespaces are killed like the rest. */
const WRAPPER_GRACE_MS = 1_000;

interface Hierarchy {
  readonly path: string;
  readonly version: 1 | 2;
}

/** The mounted hierarchies: many of version 1, one of version 2, or both (a hybrid machine). */
function hierarchies(): readonly Hierarchy[] {
  const found = new Map<string, Hierarchy>();
  for (const line of readFileSync("/proc/mounts", "utf8").split("\n")) {
    const [, path, type] = line.split(" ");
    if (path === undefined || !path.startsWith("/sys/fs/cgroup")) continue;
    if (type === "cgroup") found.set(path, { path, version: 1 });
    if (type === "cgroup2") found.set(path, { path, version: 2 });
  }
  return [...found.values()];
}

/** A cpuset of version 1 takes no member until its processors are set, and nothing here needs it. */
const joinable = (hierarchy: Hierarchy): boolean => hierarchy.version === 2 || !hierarchy.path.endsWith("/cpuset");

/** Version 2 hands a controller down level by level; without it the engine would silently drop memory limits. */
function passControllersDown(top: string, group: string): void {
  let path = top;
  for (const part of group.split("/")) {
    for (const controller of readFileSync(join(path, "cgroup.controllers"), "utf8").trim().split(" ")) {
      try {
        writeFileSync(join(path, "cgroup.subtree_control"), `+${controller}`);
      } catch {
        // a group with members, or a controller that is in use elsewhere: the engine reports what it lacks
      }
    }
    path = join(path, part);
  }
}

/** Makes a group (`token/n1/engine`) in every hierarchy; returns the files a process writes its id to in order to join. */
export function makeCgroup(group: string): readonly string[] {
  const full = join(CGROUP_ROOT, group);
  return hierarchies()
    .filter(joinable)
    .map((hierarchy) => {
      const path = join(hierarchy.path, full);
      mkdirSync(path, { recursive: true });
      if (hierarchy.version === 2) passControllersDown(hierarchy.path, full);
      return join(path, "cgroup.procs");
    });
}

/** Where the members of a group can be read, in the hierarchy that the container engine writes to as well. */
export function cgroupPath(group: string): string {
  const all = hierarchies();
  const chosen = all.find((hierarchy) => hierarchy.path.endsWith("/memory")) ?? all.find((hierarchy) => hierarchy.version === 2) ?? all[0];
  if (chosen === undefined) throw new Error("no cgroup hierarchy is mounted at /sys/fs/cgroup");
  return join(chosen.path, CGROUP_ROOT, group);
}

function subtree(path: string): string[] {
  if (!existsSync(path)) return [];
  const children = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...children.flatMap((entry) => subtree(join(path, entry.name))), path];
}

function membersOf(directory: string): readonly number[] {
  try {
    const pids = readFileSync(join(directory, "cgroup.procs"), "utf8").split("\n").map(Number);
    return pids.filter((pid) => pid > 0); // 0 is a process outside of our process namespace
  } catch {
    return []; // the group went away while we looked
  }
}

const directories = (group: string): readonly string[] =>
  hierarchies().flatMap((hierarchy) => subtree(join(hierarchy.path, CGROUP_ROOT, group)));

/** Every process in the group or below it. */
export function cgroupMembers(group: string): readonly number[] {
  return [...new Set(directories(group).flatMap(membersOf))];
}

/** True while process `pid` is in the group or below it, whoever else may have used that number before. */
export function isMember(pid: number, group: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(`/${CGROUP_ROOT}/${group}/`);
  } catch {
    return false;
  }
}

/**
 * Kills every process in the group and below it; returns when they are gone. Those in process namespaces of their own go
 * first: the programs that entered these namespaces wait for them, and then end by themselves with nothing left to adopt.
 */
export async function killMembers(group: string): Promise<void> {
  const start = performance.now();
  const isInner = (pid: number): boolean => processIds(pid).length > processIds(process.pid).length;
  const hadInner = cgroupMembers(group).some(isInner);
  const emptied = (): boolean => {
    const members = cgroupMembers(group);
    const isWrapperSpared = hadInner && performance.now() - start < WRAPPER_GRACE_MS;
    for (const pid of isWrapperSpared ? members.filter(isInner) : members) signalIfThere(pid, "SIGKILL");
    return members.length === 0;
  };
  await until(`every process of ${group} is gone`, emptied, KILL_TIMEOUT_MS);
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone between reading and signalling
  }
}

/** A process's ids from the outermost process namespace we can see to its own; empty when it is gone. */
export function processIds(pid: number): readonly string[] {
  try {
    return (/^NSpid:\s+(.+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "").split(/\s+/);
  } catch {
    return [];
  }
}

/** Removes the emptied group, children first; what still has a member stays. */
export function removeCgroup(group: string): void {
  for (const directory of directories(group)) tryRemove(directory);
  for (const hierarchy of hierarchies()) tryRemove(join(hierarchy.path, CGROUP_ROOT)); // succeeds for the last testbed only
}

function tryRemove(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // busy or already gone
  }
}
