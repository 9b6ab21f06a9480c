import { nothingAllowed } from "../../actors/node/allowance-contract.ts";
import { SimulatedEngine } from "../../agent/engine/simulated-engine.ts";
import { SimulatedProbeTransport } from "../../agent/engine/simulated-probe-transport.ts";
import { SimulatedRegistry } from "../../agent/engine/simulated-registry.ts";
import { SimulatedProxy } from "../../agent/ingress/simulated-proxy.ts";
import { MemoryDisk } from "../../agent/memory-disk.ts";
import { SimulatedShelf } from "../../agent/file-shelf.ts";
import { pathWithoutLinks } from "../../agent/real-path.ts";
import { startAgent, type RunningAgent } from "../../agent/start-agent.ts";
import type { Bus } from "../../runtime/bus.ts";
import type { Log } from "../../runtime/log.ts";
import { systemClock } from "../../runtime/system-clock.ts";
import { systemRandom } from "../../runtime/system-random.ts";

const ZONES = ["a", "b", "c"];

/** Nodes `sim-1` to `sim-N`: real agents on simulated engines, in this process. They forget everything when it ends. */
export async function startSimulatedNodes(options: {
  readonly count: number;
  readonly tenant: string;
  readonly bus: Bus;
  readonly log: Log;
  readonly version: string;
}): Promise<readonly RunningAgent[]> {
  const registry = new SimulatedRegistry();
  const numbers = Array.from({ length: options.count }, (_, index) => index + 1);
  return Promise.all(
    numbers.map((number) => {
      const node = `sim-${number}`;
      const engine = new SimulatedEngine({
        clock: systemClock,
        random: systemRandom,
        registry,
        owner: { tenant: options.tenant, node },
        hostname: node,
      });
      return startAgent({
        tenant: options.tenant,
        node,
        engine,
        probes: new SimulatedProbeTransport(engine),
        clock: systemClock,
        random: systemRandom,
        disk: new MemoryDisk(),
        log: options.log.with({ node }),
        bus: options.bus,
        proxy: new SimulatedProxy(systemClock),
        usage: { read: async () => ({ cpuUsedMillis: 0, memoryUsedBytes: 0 }) },
        agentVersion: options.version,
        labels: { zone: ZONES[number % ZONES.length] ?? "a", simulated: "true" },
        address: node,
        degraded: [],
        allows: nothingAllowed,
        realPath: pathWithoutLinks,
        shelf: new SimulatedShelf(),
      });
    }),
  );
}
