import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { cacheDirectory } from "../../../ops/testbed/prepare.ts";

/** Whatever of a testbed can still be found on this machine, as words for a failed expectation. */
export function tracesOf(bed: { readonly name: string; readonly token: string }): readonly string[] {
  const lines = (text: string): string[] => text.split("\n").filter((line) => line.includes(bed.token));
  return [
    ...lines(execFileSync("ip", ["netns", "list"], { encoding: "utf8" })).map((line) => `namespace ${line}`),
    ...lines(execFileSync("ip", ["-o", "link"], { encoding: "utf8" })).map((line) => `link ${line}`),
    ...lines(readFileSync("/proc/mounts", "utf8")).map((line) => `mount ${line}`),
    ...processesOf(bed.token),
    ...cgroupsOf(bed.token),
    ...[`/run/odysseus-testbed/${bed.token}`, `/dev/shm/odysseus-testbed-${bed.token}`, `${cacheDirectory()}/beds/${bed.name}`].filter(
      (path) => existsSync(path),
    ),
  ];
}

function processesOf(token: string): readonly string[] {
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return pids.flatMap((pid) => {
    try {
      const isOurs = readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(`/odysseus-testbed/${token}/`);
      const isDead = /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8")); // waits for whoever adopted it to take notice
      return isOurs && !isDead ? [`process ${pid} ${readFileSync(`/proc/${pid}/comm`, "utf8").trim()}`] : [];
    } catch {
      return [];
    }
  });
}

function cgroupsOf(token: string): readonly string[] {
  const tops = ["/sys/fs/cgroup", ...readdirSync("/sys/fs/cgroup").map((name) => `/sys/fs/cgroup/${name}`)];
  return tops.map((top) => `${top}/odysseus-testbed/${token}`).filter((path) => existsSync(path));
}
