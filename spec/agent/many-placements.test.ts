import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PinnedTemplate } from "../../actors/deployment/contract.ts";
import { nodeActor } from "../../actors/node/actor.ts";
import { nothingAllowed } from "../../actors/node/allowance-contract.ts";
import type { Placement } from "../../actors/node/assignment-contract.ts";
import type { NodeCommand } from "../../actors/node/messages.ts";
import type { NodeSoft } from "../../actors/views.ts";
import { SimulatedEngine } from "../../agent/engine/simulated-engine.ts";
import { SimulatedProbeTransport } from "../../agent/engine/simulated-probe-transport.ts";
import { SimulatedRegistry } from "../../agent/engine/simulated-registry.ts";
import { SimulatedShelf } from "../../agent/file-shelf.ts";
import { SimulatedProxy } from "../../agent/ingress/simulated-proxy.ts";
import { MemoryDisk } from "../../agent/memory-disk.ts";
import { pathWithoutLinks } from "../../agent/real-path.ts";
import { type RunningAgent, startAgent } from "../../agent/start-agent.ts";
import { addressOf } from "../../runtime/address.ts";
import type { Bus } from "../../runtime/bus.ts";
import { silentLog } from "../../runtime/log.ts";
import { NatsBus } from "../../runtime/nats-bus.ts";
import { systemClock } from "../../runtime/system-clock.ts";
import { systemRandom } from "../../runtime/system-random.ts";
import { memorySealedStore } from "../../storage/memory-sealed.ts";
import { actor, type HostedCounters, hostCounters, TENANT } from "../runtime/support/host.ts";
import { startTestNats, type TestNats } from "../runtime/support/nats.ts";

const NODE = addressOf(TENANT, "node", "n1");
const PLACEMENTS = 2_000;
const SLOW = { timeout: 180_000 };

let nats: TestNats;
let hosted: HostedCounters;
let bus: Bus;
let agent: RunningAgent;
const registry = new SimulatedRegistry();
const disk = new MemoryDisk();
const engine = new SimulatedEngine({
  clock: systemClock,
  random: systemRandom,
  registry,
  owner: { tenant: TENANT, node: "n1" },
  hostname: "host-1",
});

const connected = (name: string): Bus =>
  new NatsBus({ url: nats.url, inboxPrefix: `_INBOX_${name}`, name, clock: systemClock, log: silentLog });
const soft = () => hosted.host.soft(NODE) as NodeSoft;
const phaseOf = (placementId: string) => soft().statuses.get(placementId)?.current.phase;
const ask = (command: NodeCommand) => hosted.host.ask(NODE, command, actor(), { timeoutMs: 60_000 });

async function agentStarts(): Promise<void> {
  agent = await startAgent({
    tenant: TENANT,
    node: "n1",
    engine,
    probes: new SimulatedProbeTransport(engine),
    clock: systemClock,
    random: systemRandom,
    disk,
    log: silentLog,
    bus: connected("agent"),
    proxy: new SimulatedProxy(systemClock),
    usage: { read: async () => ({ cpuUsedMillis: 0, memoryUsedBytes: 0 }) },
    agentVersion: "0.1.0",
    labels: {},
    address: "192.0.2.1",
    degraded: [],
    allows: nothingAllowed,
    realPath: pathWithoutLinks,
    shelf: new SimulatedShelf(),
  });
}

beforeEach(async () => {
  nats = await startTestNats();
  bus = connected("control-plane");
  hosted = await hostCounters({
    bus,
    definitions: [nodeActor({ clock: systemClock, bus, epochOf: () => 1, sealedOf: () => memorySealedStore() })],
    servedKinds: ["node"],
    remoteKinds: ["agent", "deployment", "scheduler", "ingress"],
  });
  await agentStarts();
});
afterEach(async () => {
  await agent.stop();
  await hosted.stop();
  await bus.close();
  await nats.kill();
});

describe("a node with thousands of replicas, over the real broker", () => {
  const digest = registry.push("app:1");
  const placements = Array.from({ length: PLACEMENTS }, (_, index): Placement => ({
    placementId: `web.${index + 1}.1`,
    deployment: "web",
    slot: index + 1,
    revision: 1,
    template: PinnedTemplate.parse({
      image: { reference: "app:1", digest, source: "registry" },
      environment: { ABOUT: `${index} ${"what a service is told ".repeat(30)}` },
    }),
    desired: "running",
  }));

  test("is given them all, tells of them all, and tells it again to whoever knows nothing", SLOW, async () => {
    await expect.poll(() => soft().lastHeardAtMs, { timeout: 10_000 }).toBeDefined();
    expect(JSON.stringify(placements).length).toBeGreaterThan(1_048_576);
    await ask({ kind: "assign", placements });
    await expect.poll(() => soft().statuses.size, { timeout: 60_000 }).toBe(PLACEMENTS);
    expect(soft().assignmentProblem).toBeUndefined();
    await expect.poll(() => phaseOf("web.7.1"), { timeout: 60_000 }).toBe("running");

    await agent.stop();
    await agentStarts();
    await expect.poll(() => soft().statuses.size, { timeout: 60_000 }).toBe(PLACEMENTS);
    await ask({ kind: "stop", placementIds: ["web.7.1"] });
    await expect.poll(() => soft().statuses.has("web.7.1"), { timeout: 60_000 }).toBe(false);
    expect(soft().assignmentProblem).toBeUndefined();
  });
});
