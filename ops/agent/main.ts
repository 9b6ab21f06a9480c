import { join } from "node:path";
import { openDirectoryDisk } from "../../agent/directory-disk.ts";
import { DockerEngine } from "../../agent/engine/docker-engine.ts";
import { seenByEngine } from "../../agent/engine-paths.ts";
import { TraefikProxy } from "../../agent/ingress/traefik-proxy.ts";
import { openMemoryShelf } from "../../agent/memory-shelf.ts";
import { networkProbeTransport } from "../../agent/network-probe-transport.ts";
import { ProcNodeUsage } from "../../agent/node-usage.ts";
import { realPathHere } from "../../agent/real-path.ts";
import { startAgent } from "../../agent/start-agent.ts";
import { systemClock } from "../../runtime/system-clock.ts";
import { systemRandom } from "../../runtime/system-random.ts";
import { connectBus } from "../nats/connect.ts";
import { consoleLog } from "../console-log.ts";
import { productVersion } from "../version.ts";
import { proxySource } from "./proxy-source.ts";
import { runDirectories } from "./run-directories.ts";
import { readAgentFile } from "./settings.ts";

/** `node ops/agent/main.ts FILE`: the agent of one node, until it is told to end. Containers stay as they are. */
const file = process.argv[2];
if (file === undefined) {
  process.stderr.write("Usage: node ops/agent/main.ts SETTINGS.json\n");
  process.exit(2);
}
// All imports have been loaded, and the compiled form of the sources is written at the end of the process.
if (file === "--compile") process.exit(0);

const settings = readAgentFile(file);
const { tenant, node } = settings;
const log = consoleLog({ name: "agent", tenant, node });
const bus = connectBus({ ...settings.nats, name: `agent ${tenant}/${node}`, clock: systemClock, log });
const disk = await openDirectoryDisk(settings.directory);
const agent = await startAgent({
  tenant,
  node,
  engine: new DockerEngine({
    socketPath: settings.engineSocket,
    owner: { tenant, node },
    clock: systemClock,
    random: systemRandom,
    ...(settings.engineDataRoot === undefined ? {} : { dataRoot: settings.engineDataRoot }),
  }),
  probes: networkProbeTransport,
  clock: systemClock,
  random: systemRandom,
  disk,
  shelf: await openMemoryShelf({
    candidates: runDirectories(settings, process.getuid?.() ?? -1, process.env),
    seenByEngine: (path) => seenByEngine(path, settings.enginePaths),
  }),
  log,
  bus,
  usage: new ProcNodeUsage(),
  proxy: new TraefikProxy({
    tenant,
    node,
    socketPath: settings.engineSocket,
    source: proxySource(settings.ingress, node, log),
    directory: join(settings.directory, "ingress"),
    seenByEngine: (path) => seenByEngine(path, settings.enginePaths),
    disk,
    clock: systemClock,
    random: systemRandom,
    log,
  }),
  agentVersion: productVersion,
  labels: settings.labels,
  address: settings.address,
  degraded: settings.degraded,
  allows: settings.allow,
  realPath: realPathHere,
});
log.info("agent started", { engineSocket: settings.engineSocket });

let ending: Promise<void> | undefined;
const end = (reason: string): void => {
  ending ??= (async () => {
    log.info("agent ends; containers stay", { reason });
    await agent.stop();
    await bus.close();
    process.exit(0);
  })();
};
process.on("SIGTERM", () => end("SIGTERM"));
process.on("SIGINT", () => end("SIGINT"));

/** Started by a control plane for its own machine: the pipe ends when that process does, however it ends. */
if (process.env["ODYSSEUS_AGENT_PARENT"] === "pipe") {
  process.stdin.on("end", () => end("the process that started it is gone")).on("error", () => end("the process that started it is gone"));
  process.stdin.resume();
} else {
  // Timers of the clock keep no process alive, and the bus may be between two connections.
  setInterval(() => undefined, 2 ** 30);
}
