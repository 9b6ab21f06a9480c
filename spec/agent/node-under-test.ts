import { MemoryBroker } from "../../runtime/memory-bus.ts";
import { seededRandom } from "../../runtime/seeded-random.ts";
import { silentLog } from "../../runtime/log.ts";
import { serveOverBus } from "../../runtime/remote.ts";
import type { Bus } from "../../runtime/bus.ts";
import { MemoryDisk } from "../../agent/memory-disk.ts";
import { SimulatedEngine } from "../../agent/engine/simulated-engine.ts";
import { SimulatedProbeTransport } from "../../agent/engine/simulated-probe-transport.ts";
import { SimulatedRegistry } from "../../agent/engine/simulated-registry.ts";
import { SimulatedProxy } from "../../agent/ingress/simulated-proxy.ts";
import { LABEL } from "../../agent/labels.ts";
import { pathWithoutLinks } from "../../agent/real-path.ts";
import { SimulatedShelf } from "../../agent/file-shelf.ts";
import { type RunningAgent, startAgent } from "../../agent/start-agent.ts";
import { type NodeAllowance, nothingAllowed } from "../../actors/node/allowance-contract.ts";
import { AgentMessage, type AgentWelcome } from "../../actors/node/contract.ts";
import { Assignment, type Placement } from "../../actors/node/assignment-contract.ts";
import type { PlacementStatus } from "../../actors/node/observed-contract.ts";
import type { ObservedContainer } from "../../agent/engine/port.ts";
import { PinnedTemplate } from "../../actors/deployment/contract.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

export const TENANT = "acme";
export const NODE = "n1";

/** A node on simulated parts: the real agent, on virtual time, with a stand-in for its node actor. */
export class NodeUnderTest {
  readonly clock = new VirtualClock();
  readonly registry = new SimulatedRegistry();
  readonly random = seededRandom(7, this.clock);
  readonly disk = new MemoryDisk();
  readonly engine: SimulatedEngine;
  readonly proxy = new SimulatedProxy(this.clock);
  readonly bus: Bus;
  /** As told to the control plane, by placement. */
  readonly told = new Map<string, PlacementStatus>();
  readonly history: PlacementStatus[] = [];
  readonly messages: AgentMessage[] = [];
  /** What the node actor answers; undefined: it is away. */
  welcome: AgentWelcome | undefined = { kind: "welcome", epoch: 1, assignment: 1, resync: false };
  running: RunningAgent | undefined;
  readonly #broker = new MemoryBroker(this.clock);
  #number = 0;

  constructor() {
    const { clock, random, registry } = this;
    this.engine = new SimulatedEngine({ clock, random, registry, owner: { tenant: TENANT, node: NODE }, hostname: "host-1" });
    this.bus = this.#broker.connect("control-plane");
    serveOverBus(this.bus, `ody.${TENANT}.node.${NODE}`, async (message) => {
      if (this.welcome === undefined) throw new Error("away");
      const said = AgentMessage.parse(message);
      if (said.kind === "agent.file") return { kind: "ok", value: { kind: "file", value: "" } };
      this.#received(said);
      return { kind: "ok", value: this.welcome };
    });
  }

  async start(allows: NodeAllowance = nothingAllowed): Promise<void> {
    const { engine, clock, random, disk } = this;
    const starting = startAgent({
      tenant: TENANT,
      node: NODE,
      engine,
      clock,
      random,
      disk,
      probes: new SimulatedProbeTransport(engine),
      bus: this.#broker.connect("agent"),
      proxy: this.proxy,
      usage: { read: async () => ({ cpuUsedMillis: 100, memoryUsedBytes: 1 }) },
      log: silentLog,
      agentVersion: "0.1.0",
      labels: {},
      address: "192.0.2.1",
      degraded: [],
      allows,
      realPath: pathWithoutLinks,
      shelf: new SimulatedShelf(),
    });
    void starting.then((running) => (this.running = running));
    await this.clock.until("the agent has started", () => this.running !== undefined);
  }

  /** The process ends; engine, disk and control plane stay. */
  async stop(): Promise<void> {
    const stopping = this.running?.stop();
    this.running = undefined;
    await this.clock.advance(5_000);
    await stopping;
  }

  async request(payload: unknown): Promise<unknown> {
    const answered: unknown[] = [];
    void this.bus.request(`ody.${TENANT}.agent.${NODE}`, payload, { timeoutMs: 30_000 }).then(
      (answer) => answered.push(answer),
      (failure: unknown) => answered.push(failure),
    );
    await this.clock.until("the agent answers", () => answered.length > 0);
    return answered[0];
  }

  assignment(placements: readonly Placement[], change: Partial<Assignment> = {}): Assignment {
    this.#number += 1;
    return Assignment.parse({
      kind: "assignment",
      tenant: TENANT,
      node: NODE,
      epoch: 1,
      number: this.#number,
      placements,
      prefetch: [],
      ...change,
    });
  }

  async assign(...placements: readonly Placement[]): Promise<unknown> {
    return this.request(this.assignment(placements));
  }

  async placement(
    change: { readonly image?: string; readonly id?: string; readonly desired?: "running" | "stopped"; readonly template?: object } = {},
  ): Promise<Placement> {
    const id = change.id ?? "web.1.1";
    const [deployment = "web", slot = "1"] = id.split(".");
    const template = PinnedTemplate.parse({ image: await this.image(change.image ?? "app:1"), ...change.template });
    return { placementId: id, deployment, slot: Number(slot), revision: 1, template, desired: change.desired ?? "running" };
  }

  async image(reference: string): Promise<Placement["template"]["image"]> {
    const digest = this.registry.push(reference);
    return { reference, digest, source: "registry" };
  }

  status(placementId = "web.1.1"): PlacementStatus | undefined {
    return this.told.get(placementId);
  }

  containers(placementId = "web.1.1"): readonly ObservedContainer[] {
    return this.engine.containers().filter((container) => container.labels[LABEL.placement] === placementId);
  }

  async untilPhase(phase: PlacementStatus["current"]["phase"], placementId = "web.1.1"): Promise<void> {
    await this.clock.until(`${placementId} is ${phase}`, () => this.status(placementId)?.current.phase === phase, 600_000);
  }

  async untilHealthy(placementId = "web.1.1", attempt = 1): Promise<void> {
    await this.clock.until(
      `${placementId} is healthy`,
      () => {
        const status = this.status(placementId);
        return status?.current.phase === "running" && status.current.health === "healthy" && status.attempt >= attempt;
      },
      600_000,
    );
  }

  /** Of the running attempt. */
  containerId(placementId = "web.1.1"): string {
    const current = this.status(placementId)?.current;
    if (current?.phase !== "running") throw new Error(`${placementId} does not run`);
    return current.containerId;
  }

  #received(message: Exclude<AgentMessage, { kind: "agent.file" }>): void {
    this.messages.push(message);
    if (message.kind !== "agent.hello" && message.kind !== "agent.status") return;
    if (message.kind === "agent.hello") this.told.clear();
    for (const status of message.statuses) {
      this.told.set(status.placementId, status);
      this.history.push(status);
    }
  }
}
