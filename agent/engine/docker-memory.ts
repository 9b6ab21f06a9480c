import { readFile } from "node:fs/promises";
import type { EngineEvent } from "./port.ts";
import type { InspectedContainer } from "./docker-observed.ts";

/** Containers whose `oom` event is remembered; beyond it the oldest is forgotten. */
const MAX_REMEMBERED = 1_000;
const EXIT_KILLED = 137;

/** Which containers the kernel killed something in. No single witness is reliable, so three are heard. */
export class MemoryKills {
  readonly #seen = new Set<string>();

  note(event: EngineEvent): void {
    if (event.kind !== "container" || event.action !== "oom") return;
    this.#seen.add(event.containerId);
    const oldest = this.#seen.values().next().value;
    if (this.#seen.size > MAX_REMEMBERED && oldest !== undefined) this.#seen.delete(oldest);
  }

  /** `container` is undefined when it is gone. */
  async happened(containerId: string, container: InspectedContainer | undefined): Promise<boolean> {
    if (this.#seen.has(containerId)) return true;
    if (container === undefined) return false;
    // The flag alone is also set when a child was killed and the container lived on; together with the exit code it is believed.
    if (container.State.OOMKilled && container.State.ExitCode === EXIT_KILLED) return true;
    return container.State.Pid > 0 && (await kernelCounted(container.State.Pid, containerId));
  }
}

/** The kernel's own counter, where the agent shares the engine's processes and may read it. */
async function kernelCounted(pid: number, containerId: string): Promise<boolean> {
  const membership = await text(`/proc/${pid}/cgroup`);
  // An engine with processes of its own (in a container or a namespace) gives numbers that are other processes here.
  const mine = membership.split("\n").filter((line) => line.includes(containerId));
  const version1 = mine.find((line) => line.split(":")[1]?.split(",").includes("memory") === true)?.split(":")[2];
  const version2 = mine.find((line) => line.startsWith("0::"))?.slice("0::".length);
  const counters = await Promise.all([
    version1 === undefined ? "" : text(`/sys/fs/cgroup/memory${version1}/memory.oom_control`),
    version2 === undefined ? "" : text(`/sys/fs/cgroup${version2}/memory.events`),
  ]);
  return counters.some((counter) => Number(/^oom_kill (\d+)$/m.exec(counter)?.[1] ?? 0) > 0);
}

async function text(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return "";
  }
}
