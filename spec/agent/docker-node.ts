import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type NodeAllowance, nothingAllowed } from "../../actors/node/allowance-contract.ts";
import { AgentMessage, type FileAnswer } from "../../actors/node/contract.ts";
import type { Assignment, Placement } from "../../actors/node/assignment-contract.ts";
import type { NodeFacts, PlacementStatus } from "../../actors/node/observed-contract.ts";
import { PinnedTemplate } from "../../actors/deployment/contract.ts";
import { openDirectoryDisk } from "../../agent/directory-disk.ts";
import type { FileShelf } from "../../agent/file-shelf.ts";
import { openMemoryShelf } from "../../agent/memory-shelf.ts";
import { DockerEngine } from "../../agent/engine/docker-engine.ts";
import type { EngineOwner } from "../../agent/engine/owner.ts";
import { SimulatedProxy } from "../../agent/ingress/simulated-proxy.ts";
import { ProcNodeUsage } from "../../agent/node-usage.ts";
import type { ProbeAnswer, ProbeTransport } from "../../agent/probe-transport.ts";
import { realPathHere } from "../../agent/real-path.ts";
import { type RunningAgent, startAgent } from "../../agent/start-agent.ts";
import type { Testbed } from "../../ops/testbed/testbed.ts";
import { silentLog } from "../../runtime/log.ts";
import { MemoryBroker } from "../../runtime/memory-bus.ts";
import { serveOverBus } from "../../runtime/remote.ts";
import { systemClock } from "../../runtime/system-clock.ts";
import { systemRandom } from "../../runtime/system-random.ts";

const POLL_MS = 5;

/** The real agent on a real engine of the testbed, with a stand-in for its node actor. */
export class DockerNode {
  readonly engine: DockerEngine;
  readonly told = new Map<string, PlacementStatus>();
  readonly history: PlacementStatus[] = [];
  /** Contents the control plane has, by name. */
  readonly contents = new Map<string, string>();
  readonly #bed: Testbed;
  readonly #number: number;
  readonly #broker = new MemoryBroker(systemClock);
  readonly #control = this.#broker.connect("control-plane");
  #directory = "";
  #running: RunningAgent | undefined;
  #assignments = 0;
  readonly #owner: EngineOwner;
  /** What its agent said of itself last. */
  facts: NodeFacts | undefined;

  constructor(bed: Testbed, number: number, owner: EngineOwner = { tenant: "acme", node: `n${number}` }) {
    this.#bed = bed;
    this.#number = number;
    this.#owner = owner;
    this.engine = new DockerEngine({ socketPath: bed.node(number).dockerHost, owner, clock: systemClock, random: systemRandom });
    serveOverBus(this.#control, `ody.${owner.tenant}.node.${owner.node}`, async (given) => {
      const message = AgentMessage.parse(given);
      if (message.kind === "agent.file") return { kind: "ok", value: this.fileAnswer(message.file.name) };
      this.#received(message);
      return { kind: "ok", value: { kind: "welcome", epoch: 1, assignment: 0, resync: false } };
    });
  }

  async start(allows: NodeAllowance = nothingAllowed): Promise<void> {
    if (this.#directory === "") this.#directory = await mkdtemp(join(tmpdir(), "odysseus-agent-"));
    this.#running = await startAgent({
      ...this.#owner,
      engine: this.engine,
      clock: systemClock,
      random: systemRandom,
      disk: await openDirectoryDisk(this.#directory),
      probes: this.#probesFromInside(),
      bus: this.#broker.connect("agent"),
      proxy: new SimulatedProxy(systemClock),
      usage: new ProcNodeUsage(),
      log: silentLog,
      agentVersion: "0.1.0",
      labels: {},
      address: this.#bed.node(this.#number).address,
      degraded: [],
      allows,
      realPath: realPathHere,
      shelf: await this.#shelf(),
    });
  }

  #shelf(): Promise<FileShelf> {
    return openMemoryShelf({ candidates: [join(this.#bed.node(this.#number).memoryDirectory, "agent")], seenByEngine: (path) => path });
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
  }

  /** Stops the agent and removes everything it made. */
  async clear(): Promise<void> {
    if (this.#running === undefined) await this.start();
    await this.assign();
    await this.until("everything is removed", async () => (await this.engine.list()).length === 0, 60_000);
    await this.stop();
    await rm(this.#directory, { recursive: true, force: true });
    this.#directory = "";
    this.told.clear();
    this.history.length = 0;
  }

  request(payload: unknown): Promise<unknown> {
    return this.#control.request(`ody.${this.#owner.tenant}.agent.${this.#owner.node}`, payload, { timeoutMs: 30_000 });
  }

  async assign(...placements: readonly Placement[]): Promise<unknown> {
    return this.assignWith({ placements: [...placements] });
  }

  async assignWith(change: Partial<Assignment>): Promise<unknown> {
    this.#assignments += 1;
    const whole = {
      kind: "assignment",
      ...this.#owner,
      epoch: 1,
      number: this.#assignments,
      placements: [],
      prefetch: [],
    };
    return this.request({ ...whole, ...change });
  }

  async placement(
    image: Placement["template"]["image"],
    change: { readonly id?: string; readonly template?: object } = {},
  ): Promise<Placement> {
    const placementId = change.id ?? "web.1.1";
    const [deployment = "web", slot = "1"] = placementId.split(".");
    return {
      placementId,
      deployment,
      slot: Number(slot),
      revision: 1,
      template: PinnedTemplate.parse({ image, ...change.template }),
      desired: "running",
    };
  }

  status(placementId = "web.1.1"): PlacementStatus | undefined {
    return this.told.get(placementId);
  }

  /** Of the running attempt. */
  containerId(placementId = "web.1.1"): string {
    const current = this.status(placementId)?.current;
    if (current?.phase !== "running") throw new Error(`${placementId} does not run: ${JSON.stringify(this.status(placementId))}`);
    return current.containerId;
  }

  async untilHealthy(attempt = 1, placementId = "web.1.1"): Promise<PlacementStatus> {
    const isHealthy = () => {
      const status = this.status(placementId);
      return status?.current.phase === "running" && status.current.health === "healthy" && status.attempt >= attempt;
    };
    await this.until(`attempt ${attempt} of ${placementId} is healthy`, isHealthy);
    return this.status(placementId) as PlacementStatus;
  }

  async untilStatus(what: string, holds: (status: PlacementStatus) => boolean, placementId = "web.1.1"): Promise<PlacementStatus> {
    await this.until(what, () => {
      const status = this.status(placementId);
      return status !== undefined && holds(status);
    });
    return this.status(placementId) as PlacementStatus;
  }

  async until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    while (!(await holds())) {
      if (performance.now() > deadlineMs)
        throw new Error(`not within ${withinMs} ms: ${what}; told: ${JSON.stringify([...this.told.values()])}`);
      await pause(POLL_MS);
    }
  }

  fileAnswer(name: string): FileAnswer {
    const content = this.contents.get(name);
    return content === undefined
      ? { kind: "refused", reason: "there is none" }
      : { kind: "file", value: Buffer.from(content).toString("base64") };
  }

  #received(message: Exclude<AgentMessage, { kind: "agent.file" }>): void {
    if (message.kind !== "agent.hello" && message.kind !== "agent.status") return;
    if (message.kind === "agent.hello") {
      this.facts = message.facts;
      this.told.clear();
    }
    for (const status of message.statuses) {
      this.told.set(status.placementId, status);
      this.history.push(status);
    }
  }

  /** Containers of a testbed's node have addresses on that node only; an agent runs there. */
  #probesFromInside(): ProbeTransport {
    const ask = async (command: readonly string[]): Promise<ProbeAnswer> => {
      try {
        return { healthy: true, output: await this.#bed.node(this.#number).enter(command) };
      } catch (cause) {
        return { healthy: false, output: String(cause).slice(0, 1_000) };
      }
    };
    return {
      http: (address, port, path) => ask(["busybox", "wget", "-q", "-O-", "-T", "2", `http://${address}:${port}${path}`]),
      tcp: (address, port) => ask(["timeout", "2", "bash", "-c", `exec 3<>/dev/tcp/${address}/${port}`]),
    };
  }
}
