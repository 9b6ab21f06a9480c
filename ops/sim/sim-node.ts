import { nothingAllowed } from "../../actors/node/allowance-contract.ts";
import type { Agent } from "../../agent/agent.ts";
import { SimulatedEngine } from "../../agent/engine/simulated-engine.ts";
import { SimulatedProbeTransport } from "../../agent/engine/simulated-probe-transport.ts";
import type { SimulatedRegistry } from "../../agent/engine/simulated-registry.ts";
import type { DesiredContainer, Engine, ObservedContainer } from "../../agent/engine/port.ts";
import type { Proxy as IngressProxy } from "../../agent/ingress/proxy.ts";
import { SimulatedProxy } from "../../agent/ingress/simulated-proxy.ts";
import { LABEL } from "../../agent/labels.ts";
import { MemoryDisk } from "../../agent/memory-disk.ts";
import { SimulatedShelf } from "../../agent/file-shelf.ts";
import { pathWithoutLinks } from "../../agent/real-path.ts";
import { startAgent } from "../../agent/start-agent.ts";
import type { Bus } from "../../runtime/bus.ts";
import type { Log } from "../../runtime/log.ts";
import type { MemoryBroker } from "../../runtime/memory-bus.ts";
import type { SimLoop } from "../../runtime/simulation/sim-loop.ts";
import { SimProcess } from "../../runtime/simulation/sim-process.ts";
import { mortal } from "./mortal.ts";
import { slowDisk } from "./sim-disk.ts";
import { TENANT } from "./tenant.ts";
import type { Trace } from "./trace.ts";

const ZONES = ["a", "b"];

export interface SimNodeParts {
  readonly number: number;
  readonly loop: SimLoop;
  readonly broker: MemoryBroker;
  readonly registry: SimulatedRegistry;
  readonly trace: Trace;
  readonly log: Log;
  /** What a mutation puts between agent and engine. */
  readonly engine: (engine: Engine) => Engine;
  /** What a mutation puts between agent and proxy. */
  readonly ingressProxy: (proxy: IngressProxy) => IngressProxy;
  /** The agent is about to stop a container. */
  readonly stopping: (node: SimNode, containerId: string) => void;
}

interface AgentLife {
  readonly process: SimProcess;
  readonly bus: Bus;
  /** Undefined while it starts. */
  agent: Agent | undefined;
}

/** One machine: an engine, a disk, a clock, and the lives of its agent. */
export class SimNode {
  readonly name: string;
  readonly engine: SimulatedEngine;
  readonly proxy: SimulatedProxy;
  readonly disk = new MemoryDisk();
  /** Digest of the image each of our containers was created from, by container name. */
  readonly digests = new Map<string, string>();
  /** Containers somebody else paused or edited. */
  readonly tampered = new Set<string>();
  readonly #parts: SimNodeParts;
  readonly #machine: SimProcess;
  #life: AgentLife | undefined;
  #wallOffsetMs = 0;

  constructor(parts: SimNodeParts) {
    this.#parts = parts;
    this.name = `n${parts.number}`;
    this.#machine = new SimProcess(parts.loop, this.name);
    const { clock, random } = this.#machine;
    const owner = { tenant: TENANT, node: this.name };
    this.proxy = new SimulatedProxy(clock);
    this.engine = new SimulatedEngine({ clock, random, registry: parts.registry, owner, hostname: this.name });
  }

  /** Name of the agent's connection: the same in all its lives. */
  get connection(): string {
    return `agent/${this.name}`;
  }

  get agent(): Agent | undefined {
    return this.#life?.agent;
  }

  get isAgentUp(): boolean {
    return this.#life !== undefined;
  }

  startAgent(): void {
    if (this.#life !== undefined) return;
    const { loop, broker, trace, log, number } = this.#parts;
    const process = new SimProcess(loop, this.name);
    process.jumpWall(this.#wallOffsetMs);
    const bus = broker.connect(this.connection);
    const life: AgentLife = { process, bus, agent: undefined };
    this.#life = life;
    trace.add(`${this.name}: agent starts`);
    const starting = startAgent({
      tenant: TENANT,
      node: this.name,
      engine: this.#parts.engine(mortal(process, this.#recording())),
      probes: mortal(process, new SimulatedProbeTransport(this.engine)),
      clock: process.clock,
      random: process.random,
      disk: slowDisk(process, this.disk),
      log: log.with({ node: this.name }),
      bus,
      proxy: this.#parts.ingressProxy(mortal(process, this.proxy)),
      usage: { read: async () => ({ cpuUsedMillis: 0, memoryUsedBytes: 0 }) },
      agentVersion: "sim",
      labels: { zone: ZONES[number % ZONES.length] ?? "a" },
      address: this.name,
      degraded: [],
      allows: nothingAllowed,
      realPath: pathWithoutLinks,
      shelf: new SimulatedShelf(),
    });
    void starting.then(({ agent }) => {
      life.agent = agent;
    });
  }

  /** As `kill -9`. */
  killAgent(): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#parts.trace.add(`${this.name}: agent killed`);
    life.process.kill();
    this.#life = undefined;
    void life.bus.close();
  }

  /** Everything ends at once; what is on the disk stays. */
  powerOff(): void {
    this.killAgent();
    this.engine.crash();
    this.proxy.die();
    for (const { containerId, state } of this.engine.containers()) {
      if (state === "running" || state === "paused") this.engine.killProcess(containerId);
    }
  }

  powerOn(): void {
    this.engine.restart();
    this.proxy.revive();
    this.startAgent();
  }

  /** Puts the machine's wall clock so far from the right time. */
  setWallOffset(offsetMs: number): void {
    const byMs = offsetMs - this.#wallOffsetMs;
    this.#wallOffsetMs = offsetMs;
    this.#machine.jumpWall(byMs);
    this.#life?.process.jumpWall(byMs);
  }

  tamper(containerId: string, how: () => void): void {
    this.tampered.add(containerId);
    how();
  }

  /** Containers with our labels, whatever they do. */
  ours(): readonly ObservedContainer[] {
    return this.engine.containers().filter(({ labels }) => labels[LABEL.tenant] === TENANT && labels[LABEL.node] === this.name);
  }

  #recording(): Engine {
    return new Proxy(this.engine, {
      get: (engine, name) => {
        const member: unknown = Reflect.get(engine, name);
        if (typeof member !== "function") return member;
        return (...args: readonly unknown[]): unknown => {
          if (name === "create") this.#recordCreation(args[0] as DesiredContainer);
          if (name === "stop") this.#parts.stopping(this, args[0] as string);
          return member.apply(engine, args) as unknown;
        };
      },
    });
  }

  #recordCreation({ name, image }: DesiredContainer): void {
    this.#parts.trace.add(`${this.name}: creates ${name} of ${image.reference}`);
    if (!this.digests.has(name)) this.digests.set(name, image.digest);
  }
}
