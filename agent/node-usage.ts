import { readFile } from "node:fs/promises";

/** What the machine itself uses. Simulated nodes bring their own. */
export interface NodeUsage {
  /** Never rejects: what cannot be read is 0. `cpuUsedMillis` is the mean since the last call; 1000 is one processor. */
  read(): Promise<{ readonly cpuUsedMillis: number; readonly memoryUsedBytes: number }>;
}

/** Linux' own figures; processes in a container see those of the machine. */
export class ProcNodeUsage implements NodeUsage {
  #last: { readonly busy: number; readonly total: number; readonly processors: number } | undefined;

  async read(): Promise<{ readonly cpuUsedMillis: number; readonly memoryUsedBytes: number }> {
    const [stat, memory] = await Promise.all([textOf("/proc/stat"), textOf("/proc/meminfo")]);
    return { cpuUsedMillis: this.#cpuUsedMillis(stat), memoryUsedBytes: memoryUsedBytes(memory) };
  }

  #cpuUsedMillis(stat: string): number {
    const now = parsedStat(stat);
    const last = this.#last;
    this.#last = now;
    if (last === undefined || now.total <= last.total) return 0;
    return Math.round((Math.max(0, now.busy - last.busy) / (now.total - last.total)) * now.processors * 1_000);
  }
}

/** `cpu  user nice system idle iowait irq softirq steal ...`, in ticks. Waiting for a disk is idleness. */
function parsedStat(stat: string): { readonly busy: number; readonly total: number; readonly processors: number } {
  const lines = stat.split("\n");
  const ticks = (lines[0] ?? "").split(/\s+/).slice(1, 9).map(Number);
  const total = ticks.reduce((sum, value) => sum + value, 0);
  return { total, busy: total - (ticks[3] ?? 0) - (ticks[4] ?? 0), processors: lines.filter((line) => /^cpu\d/.test(line)).length };
}

function memoryUsedBytes(meminfo: string): number {
  const bytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(meminfo)?.[1] ?? 0) * 1_024;
  return Math.max(0, bytes("MemTotal") - bytes("MemAvailable"));
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    // No such figures here: said as 0 rather than by a dead agent.
    return "";
  }
}
