import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { startControlPlane } from "../../ops/control-plane/control-plane.ts";
import { TENANT } from "../../ops/control-plane/run.ts";
import { startSimulatedNodes } from "../../ops/control-plane/simulated-nodes.ts";
import { silentLog } from "../../runtime/log.ts";
import { MemoryBroker } from "../../runtime/memory-bus.ts";
import { noMeter } from "../../runtime/meter.ts";
import { systemClock } from "../../runtime/system-clock.ts";
import { Administrator } from "../../web/api/auth/administrator.ts";

export interface SimulatedControlPlane {
  /** For a command line that is signed in. */
  readonly env: Readonly<Record<"ODYSSEUS_URL" | "ODYSSEUS_TOKEN", string>>;
  stop(): Promise<void>;
}

/** The real control plane with its API and files, on simulated nodes, in this process. */
export async function startSimulatedControlPlane(nodes: number): Promise<SimulatedControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), "odysseus-simulated-"));
  mkdirSync(join(folder, "tenants"), { mode: 0o700 });
  const bus = new MemoryBroker(systemClock).connect("control plane");
  const administrator = new Administrator({ file: join(folder, "credentials.json"), tenant: TENANT, clock: systemClock });
  const controlPlane = await startControlPlane({
    home: {
      tenants: join(folder, "tenants"),
      masterKeys: join(folder, "master-keys.json"),
    },
    tenants: [TENANT],
    auth: administrator,
    bus,
    listen: { host: "127.0.0.1", port: 0 },
    log: silentLog,
    meter: noMeter,
    metrics: new Registry(),
    version: "test",
    onFenced: () => undefined,
  });
  const agents = await startSimulatedNodes({ count: nodes, tenant: TENANT, bus, log: silentLog, version: "test" });
  return {
    env: { ODYSSEUS_URL: controlPlane.api.url, ODYSSEUS_TOKEN: administrator.issueToken("test") },
    async stop() {
      await Promise.all(agents.map((agent) => agent.stop()));
      await controlPlane.stop();
      await bus.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
