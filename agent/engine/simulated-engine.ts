import { createHash } from "node:crypto";
import type { Clock, Random } from "../../runtime/clock.ts";
import type { PinnedImage } from "../../actors/deployment/contract.ts";
import type { EngineOwner } from "./owner.ts";
import type { ProbeAnswer } from "../probe-transport.ts";
import type { DesiredContainer, Engine, EngineEvent, EngineInfo, EngineLogLine, EngineStats, LogQuery, ObservedContainer } from "./port.ts";
import type { SimulatedRegistry } from "./simulated-registry.ts";
import { LABEL } from "../labels.ts";
import { engineFailures } from "./failures.ts";
import { SimulatedCalls } from "./simulated-calls.ts";
import { SimulatedContainer } from "./simulated-container.ts";
import { SimulatedImages } from "./simulated-images.ts";
import { simulatedBehaviour } from "./simulated-behaviour.ts";

export interface SimulatedEngineSettings {
  readonly clock: Clock;
  readonly random: Random;
  readonly registry: SimulatedRegistry;
  readonly owner: EngineOwner;
  readonly hostname: string;
  readonly arch?: "amd64" | "arm64";
  readonly cpuMillis?: number;
  readonly memoryBytes?: number;
  readonly diskBytes?: number;
}

const GIBIBYTE = 1024 ** 3;
const EVENT_DELAY_MS = 2;
const INSPECT_MS = 3;
const LIST_MS = 8;
const CREATE_MS = 40;
const REMOVE_MS = 25;
const EXEC_MS = 30;
const PROBE_MS = 2;

/**
 * An engine without containers: same contract, scripted processes (see simulated-behaviour.ts), on the given clock and chance alone, so that a run repeats
 * exactly. The methods after the contract's are the faults: what crashes, fills up or is edited behind our back.
 */
export class SimulatedEngine implements Engine {
  readonly #settings: SimulatedEngineSettings;
  readonly #calls: SimulatedCalls;
  readonly #images: SimulatedImages;
  readonly #containers = new Map<string, SimulatedContainer>();
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  readonly #foreignPorts = new Set<string>();
  #created = 0;

  constructor(settings: SimulatedEngineSettings) {
    this.#settings = settings;
    this.#calls = new SimulatedCalls(settings.clock, settings.random);
    this.#images = new SimulatedImages(settings.registry, this.#calls, settings.arch ?? "amd64", settings.diskBytes ?? 100 * GIBIBYTE);
  }

  info(): Promise<EngineInfo> {
    const { hostname, arch = "amd64", cpuMillis = 4_000, memoryBytes = 8 * GIBIBYTE } = this.#settings;
    return this.#calls.make(INSPECT_MS, () => ({
      version: "28.0.0",
      apiVersion: "1.48",
      os: "linux",
      arch,
      hostname,
      cpuMillis,
      memoryBytes,
    }));
  }

  list(): Promise<readonly ObservedContainer[]> {
    return this.#calls.make(LIST_MS, () =>
      [...this.#containers.values()].filter((item) => this.#isOurs(item)).map((item) => item.observed("listed")),
    );
  }

  inspect(containerId: string): Promise<ObservedContainer | undefined> {
    return this.#calls.make(INSPECT_MS, () => this.#containers.get(containerId)?.observed("inspected"));
  }

  hasImage(image: PinnedImage): Promise<boolean> {
    return this.#calls.make(INSPECT_MS, () => this.#images.has(image.digest));
  }

  pull(image: PinnedImage, progress: (doneBytes: number, totalBytes: number) => void, signal: AbortSignal): Promise<void> {
    return this.#images.pull(image, progress, signal);
  }

  resolve(reference: string): ReturnType<Engine["resolve"]> {
    return this.#images.resolve(reference);
  }

  create(container: DesiredContainer): Promise<string> {
    return this.#calls.make(CREATE_MS, () => {
      const existing = [...this.#containers.values()].find((item) => item.desired.name === container.name);
      if (existing !== undefined) return sameLabels(existing, container);
      this.#images.requireRoom(`creating ${container.name}`);
      const pushed = this.#images.content(container.image);
      const number = ++this.#created;
      const containerId = createHash("sha256").update(`${this.#settings.hostname} ${number} ${this.#settings.random.next()}`).digest("hex");
      const address = `10.${88 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
      const behaviour = simulatedBehaviour(container.image.reference, pushed, container.environment);
      const tell = (action: Extract<EngineEvent, { kind: "container" }>["action"], exitCode?: number) =>
        this.#announce({ kind: "container", action, containerId, ...(exitCode === undefined ? {} : { exitCode }) });
      this.#containers.set(containerId, new SimulatedContainer(this.#settings.clock, { containerId, address }, container, behaviour, tell));
      return containerId;
    });
  }

  async start(containerId: string): Promise<void> {
    const startMs = this.#containers.get(containerId)?.behaviour.startMs ?? 0;
    await this.#calls.make(startMs, () => {
      const container = this.#existing(containerId, "starting");
      if (container.alive) return;
      const taken = this.#portsOf(container).find((port) => this.#isTaken(port, container));
      if (taken !== undefined) {
        const failure = engineFailures.portTaken(taken);
        container.failToStart(failure.message);
        throw failure;
      }
      if (!container.behaviour.commandExists) {
        const failure = engineFailures.commandNotFound(
          (container.desired.entrypoint ?? container.desired.command ?? ["/bin/app"]).join(" "),
        );
        container.failToStart(failure.message);
        throw failure;
      }
      container.run();
    });
  }

  async stop(containerId: string, _signal: string, graceMs: number): Promise<void> {
    const container = await this.#calls.make(INSPECT_MS, () => {
      const found = this.#containers.get(containerId);
      found?.requestStop(graceMs);
      return found;
    });
    if (container === undefined) return;
    await this.#calls.unlessInterrupted(container.whenEnded());
    this.#announce({ kind: "container", action: "stop", containerId });
  }

  unpause(containerId: string): Promise<void> {
    return this.#calls.make(INSPECT_MS, () => this.#existing(containerId, "unpausing").unpause());
  }

  remove(containerId: string): Promise<void> {
    return this.#calls.make(REMOVE_MS, () => this.#destroy(containerId));
  }

  /** Runs nothing: `exit N` as the last word (`sh -c "exit 3"`) answers N, everything else answers as a probe of the container would. */
  exec(
    containerId: string,
    command: readonly string[],
    _timeoutMs: number,
  ): Promise<{ readonly exitCode: number; readonly output: string }> {
    return this.#calls.make(EXEC_MS, () => {
      const container = this.#existing(containerId, "running a command");
      if (container.state !== "running") throw engineFailures.engineError("running a command", `the container is ${container.state}`);
      const scripted = /^(?:exit )?(\d+)$/.exec(command.at(-1) ?? "")?.[1];
      if (scripted !== undefined) return { exitCode: Number(scripted), output: `exit ${scripted}` };
      const health = container.health();
      return { exitCode: health === "healthy" ? 0 : 1, output: `simulated: ${health}` };
    });
  }

  async *logs(containerId: string, query: LogQuery): AsyncGenerator<EngineLogLine> {
    const container = await this.#calls.make(INSPECT_MS, () => this.#existing(containerId, "reading logs"));
    yield* container.output.read(query, () => this.#calls.isUp && this.#containers.has(containerId));
  }

  stats(containerId: string): Promise<EngineStats | undefined> {
    return this.#calls.make(INSPECT_MS, () => this.#containers.get(containerId)?.stats());
  }

  outOfMemory(containerId: string): Promise<boolean> {
    return this.#calls.make(INSPECT_MS, () => this.#containers.get(containerId)?.outOfMemory ?? false);
  }

  watch(listener: (event: EngineEvent) => void): { stop(): void } {
    this.#listeners.add(listener);
    const first: EngineEvent = this.#calls.isUp ? { kind: "connected" } : { kind: "disconnected", reason: "the engine is down" };
    this.#deliver(listener, first);
    return { stop: () => void this.#listeners.delete(listener) };
  }

  disk(): Promise<{ readonly totalBytes: number; readonly usedBytes: number }> {
    return this.#calls.make(INSPECT_MS, () => this.#images.disk());
  }

  /** For `SimulatedProbeTransport`. A network probe does not go through the engine: it works while the engine is down. */
  probeAddress(address: string, what: string, timeoutMs: number): Promise<ProbeAnswer> {
    const container = [...this.#containers.values()].find((item) => item.address === address);
    return this.#calls.pass(Math.min(PROBE_MS, timeoutMs)).then(() => {
      if (container === undefined || !container.alive) return { healthy: false, output: `${what}: connection refused` };
      if (container.state === "paused") return { healthy: false, output: `${what}: no answer within ${timeoutMs} ms` };
      return container.health() === "healthy"
        ? { healthy: true, output: `${what}: 200 ok` }
        : { healthy: false, output: `${what}: 503 not ready` };
    });
  }

  /** What a probe of this container would find now. */
  probe(containerId: string): "healthy" | "unhealthy" {
    return this.#containers.get(containerId)?.health() ?? "unhealthy";
  }

  forceHealth(containerId: string, health: "healthy" | "unhealthy" | undefined): void {
    this.#existing(containerId, "a fault").forcedHealth = health;
  }

  /** The engine ends at once. Calls under way fail, and each may or may not have been carried out. Processes go on. */
  crash(): void {
    if (!this.#calls.isUp) return;
    this.#calls.goDown("connection reset");
    for (const container of this.#containers.values()) container.output.interrupt();
    for (const listener of this.#listeners) this.#deliver(listener, { kind: "disconnected", reason: "connection reset" });
  }

  /** Without live-restore an engine kills on its start what it finds running; after a power cut nothing runs any more. */
  restart(containers: "survive" | "stopped" = "survive"): void {
    if (this.#calls.isUp) this.crash();
    if (containers === "stopped") for (const container of this.#containers.values()) container.kill();
    this.#calls.comeUp();
    for (const listener of this.#listeners) this.#deliver(listener, { kind: "connected" });
  }

  /** Calls get no answer until their deadline. Ends with `answerAgain`. */
  hang(): void {
    this.#calls.hang();
  }

  answerAgain(): void {
    this.#calls.comeUp();
  }

  killProcess(containerId: string): void {
    this.#existing(containerId, "a fault").kill();
  }

  killForMemory(containerId: string): void {
    this.#existing(containerId, "a fault").killForMemory();
  }

  stopBehindOurBack(containerId: string): void {
    const container = this.#existing(containerId, "a fault");
    container.kill();
    this.#announce({ kind: "container", action: "stop", containerId });
  }

  removeBehindOurBack(containerId: string): void {
    this.#destroy(containerId);
  }

  pauseBehindOurBack(containerId: string): void {
    this.#existing(containerId, "a fault").pause();
  }

  /** As `docker update --memory` would. */
  editBehindOurBack(containerId: string, memoryLimitBytes: number): void {
    this.#existing(containerId, "a fault").memoryLimitBytes = memoryLimitBytes;
    this.#announce({ kind: "container", action: "update", containerId });
  }

  /** A process that is not ours listens there. */
  occupyPort(port: number, protocol: "tcp" | "udp" = "tcp"): void {
    this.#foreignPorts.add(`${port}/${protocol}`);
  }

  releasePort(port: number, protocol: "tcp" | "udp" = "tcp"): void {
    this.#foreignPorts.delete(`${port}/${protocol}`);
  }

  fillDisk(): void {
    this.#images.fillDisk();
  }

  freeDisk(): void {
    this.#images.freeDisk();
  }

  /** `docker load`: an image that no registry knows. Answers its digest. */
  loadImage(reference: string): string {
    return this.#images.load(reference);
  }

  /** Every container on the machine, for checks that look from outside. */
  containers(): readonly ObservedContainer[] {
    return [...this.#containers.values()].map((item) => item.observed("inspected"));
  }

  #isOurs(container: SimulatedContainer): boolean {
    const { labels } = container.desired;
    return labels[LABEL.tenant] === this.#settings.owner.tenant && labels[LABEL.node] === this.#settings.owner.node;
  }

  #existing(containerId: string, doing: string): SimulatedContainer {
    const container = this.#containers.get(containerId);
    if (container === undefined) throw engineFailures.engineError(doing, `there is no container ${containerId.slice(0, 12)}`);
    return container;
  }

  #destroy(containerId: string): void {
    const container = this.#containers.get(containerId);
    if (container === undefined) return;
    container.kill();
    this.#containers.delete(containerId);
    container.output.interrupt();
    this.#announce({ kind: "container", action: "destroy", containerId });
  }

  #portsOf(container: SimulatedContainer): readonly string[] {
    return container.desired.ports.flatMap((port) => (port.publishedPort === undefined ? [] : [`${port.publishedPort}/${port.protocol}`]));
  }

  #isTaken(port: string, by: SimulatedContainer): boolean {
    return (
      this.#foreignPorts.has(port) ||
      [...this.#containers.values()].some((item) => item !== by && item.alive && this.#portsOf(item).includes(port))
    );
  }

  /** While the engine is down nobody hears of anything. */
  #announce(event: EngineEvent): void {
    if (!this.#calls.isUp) return;
    for (const listener of this.#listeners) this.#deliver(listener, event);
  }

  #deliver(listener: (event: EngineEvent) => void, event: EngineEvent): void {
    this.#settings.clock.after(EVENT_DELAY_MS, () => {
      if (this.#listeners.has(listener)) listener(event);
    });
  }
}

function sameLabels(existing: SimulatedContainer, wanted: DesiredContainer): string {
  const differs = Object.entries(wanted.labels).some(([key, value]) => existing.desired.labels[key] !== value);
  if (differs) throw engineFailures.engineError(`creating ${wanted.name}`, "the name is in use by a container with other labels");
  return existing.containerId;
}
