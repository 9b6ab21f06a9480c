import { z } from "zod";
import type { DockerConnection } from "./docker-connection.ts";
import type { EngineStats } from "./port.ts";
import { statusOf } from "./docker-errors.ts";

const STATS_DEADLINE_MS = 10_000;
const NOT_FOUND = 404;

const Stats = z.object({
  read: z.string(),
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number() }) }),
  memory_stats: z.object({ usage: z.number().optional(), limit: z.number().optional(), stats: z.record(z.string(), z.number()).nullish() }),
  networks: z.record(z.string(), z.object({ rx_bytes: z.number(), tx_bytes: z.number() })).nullish(),
  pids_stats: z.object({ current: z.number().optional() }).nullish(),
});

/** Undefined when the container does not run. Without a limit of its own a container shows the machine's memory as its limit: `machineMemoryBytes` tells. */
export async function readStats(
  connection: DockerConnection,
  containerId: string,
  machineMemoryBytes: number,
): Promise<EngineStats | undefined> {
  const query = { stream: false, "one-shot": true };
  const doing = `measuring ${containerId.slice(0, 12)}`;
  try {
    const stats = await connection.ask(
      { method: "GET", path: `/containers/${containerId}/stats`, query, doing, deadlineMs: STATS_DEADLINE_MS },
      Stats,
    );
    const { usage, limit } = stats.memory_stats;
    if (usage === undefined) return undefined;
    const counters = stats.memory_stats.stats ?? {};
    // What the kernel can drop at once is not use: cgroup v1 and v2 name it differently.
    const droppable = counters.total_inactive_file ?? counters.inactive_file ?? 0;
    const networks = Object.values(stats.networks ?? {});
    return {
      atMs: Date.parse(stats.read),
      cpuTotalNs: stats.cpu_stats.cpu_usage.total_usage,
      memoryUsedBytes: Math.max(0, usage - droppable),
      memoryLimitBytes: limit === undefined || limit >= machineMemoryBytes ? undefined : limit,
      rxBytes: networks.reduce((sum, network) => sum + network.rx_bytes, 0),
      txBytes: networks.reduce((sum, network) => sum + network.tx_bytes, 0),
      pids: stats.pids_stats?.current ?? 0,
    };
  } catch (error) {
    if (statusOf(error) === NOT_FOUND) return undefined;
    throw error;
  }
}
