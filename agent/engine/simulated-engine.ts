import { createHash } from "node:crypto";
import type { Clock, Random } from "../../runtime/clock.ts";
import type { PinnedImage, PullPolicy } from "../../actors/deployment/contract.ts";
import type { EngineOwner } from "./owner.ts";
import type { EngineClaim } from "./ownership.ts";
import type { ProbeAnswer } from "../probe-transport.ts";
import type {
  DesiredContainer,
  Engine,
  EngineEvent,
  EngineImages,
  EngineInfo,
  EngineLogLine,
  EngineStats,
  LogQuery,
  ObservedContainer,
} from "./port.ts";
import type { SimulatedRegistry } from "./simulated-registry.ts";
import { engineFailures } from "./failures.ts";
import { SimulatedCalls } from "./simulated-calls.ts";
import { SimulatedContainer } from "./simulated-container.ts";
import { SimulatedHost } from "./simulated-host.ts";
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
const INSPECT_MS = 3;
const LIST_MS = 8;
const CREATE_MS = 40;
const REMOVE_MS = 25;
const EXEC_MS = 30;
const PROBE_MS = 2;

type Action = Extract<EngineEvent, { kind: "container" }>["action"];

/**
 * An engine without containers: same contract, scripted processes (see simulated-behaviour.ts), on the given clock and chance alone, so that a run repeats
 * exactly. The methods after the contract's are the faults: what crashes, fills up or is edited behind our back.
 */
export class SimulatedEngine implements Engine {
  readonly #settings: SimulatedEngineSettings;
  readonly #calls: SimulatedCalls;
  readonly #images: SimulatedImages;
  readonly #host: SimulatedHost;
  #created = 0;

  constructor(settings: SimulatedEngineSettings) {
    this.#settings = settings;
    this.#host = new SimulatedHost(settings.clock, settings.owner);
    this.#calls = new SimulatedCalls(settings.clock, settings.random);
    const { registry, arch = "amd64", diskBytes = 100 * GIBIBYTE } = settings;
    this.#images = new SimulatedImages(registry, this.#calls, { arch, diskBytes }, () => this.#imagesChanged());
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

  claim(): Promise<EngineClaim> {
    return this.#calls.make(LIST_MS, () => this.claimAs(this.#settings.owner));
  }

  /** What the agent of another owner would hear. */
  claimAs(owner: EngineOwner): EngineClaim {
    return this.#host.claim(owner);
  }

  list(): Promise<readonly ObservedContainer[]> {
    return this.#calls.make(LIST_MS, () => this.#host.owned.map((item) => item.observed("listed")));
  }

  inspect(containerId: string): Promise<ObservedContainer | undefined> {
    return this.#calls.make(INSPECT_MS, () => this.#host.find(containerId)?.observed("inspected"));
  }

  hasImage(image: PinnedImage): Promise<boolean> {
    return this.#calls.make(INSPECT_MS, () => this.#images.has(image.digest));
  }

  images(): Promise<EngineImages> {
    return this.#calls.make(LIST_MS, () => this.#images.listed());
  }

  pull(image: PinnedImage, progress: (doneBytes: number, totalBytes: number) => void, signal: AbortSignal): Promise<void> {
    return this.#images.pull(image, progress, signal);
  }

  resolve(reference: string, pull?: PullPolicy): ReturnType<Engine["resolve"]> {
    return pull === "never" ? this.#images.resolveOwn(reference) : this.#images.resolve(reference);
  }

  create(container: DesiredContainer): Promise<string> {
    return this.#calls.make(CREATE_MS, () => {
      const existing = this.#host.containers.find((item) => item.desired.name === container.name);
      if (existing !== undefined) return sameLabels(existing, container);
      this.#images.requireRoom(`creating ${container.name}`);
      const missing = container.mounts.find((mount) => mount.kind === "volume" && mount.make === undefined);
      if (missing?.kind === "volume") throw engineFailures.volumeMissing(missing.name);
      const absent = container.networks.find((network) => network.make === undefined);
      if (absent !== undefined) throw engineFailures.networkMissing(absent.name);
      const pushed = this.#images.content(container.image);
      const number = ++this.#created;
      const containerId = createHash("sha256").update(`${this.#settings.hostname} ${number} ${this.#settings.random.next()}`).digest("hex");
      const address = `10.${88 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
      const behaviour = simulatedBehaviour(container.image.reference, pushed, container.environment);
      const tell = (action: Action, exitCode?: number) => this.#announce(container, containerId, action, exitCode);
      this.#host.add(new SimulatedContainer(this.#settings.clock, { containerId, address }, container, behaviour, tell));
      return containerId;
    });
  }

  async start(containerId: string): Promise<void> {
    const startMs = this.#host.find(containerId)?.behaviour.startMs ?? 0;
    await this.#calls.make(startMs, () => {
      const container = this.#host.existing(containerId, "starting");
      if (container.alive) return;
      const taken = this.#host.takenPort(container);
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
      const found = this.#host.find(containerId);
      found?.requestStop(graceMs);
      return found;
    });
    if (container === undefined) return;
    await this.#calls.unlessInterrupted(container.whenEnded());
    this.#announce(container.desired, containerId, "stop");
  }

  unpause(containerId: string): ReturnType<Engine["unpause"]> {
    return this.#calls.make(INSPECT_MS, () => this.#host.existing(containerId, "unpausing").unpause());
  }

  remove(containerId: string): Promise<void> {
    return this.#calls.make(REMOVE_MS, () => this.#destroy(containerId));
  }

  /** Simulated containers keep nothing. */
  removeVolume(): Promise<void> {
    return this.#calls.make(REMOVE_MS, () => undefined);
  }

  /** Simulated containers meet nobody. */
  removeUnusedNetworks(): Promise<void> {
    return this.#calls.make(LIST_MS, () => undefined);
  }

  /** Runs nothing: `exit N` as the last word (`sh -c "exit 3"`) answers N, everything else answers as a probe of the container would. */
  exec(
    containerId: string,
    command: readonly string[],
    _timeoutMs: number,
  ): Promise<{ readonly exitCode: number; readonly output: string }> {
    return this.#calls.make(EXEC_MS, () => {
      const container = this.#host.existing(containerId, "running a command");
      if (container.state !== "running") throw engineFailures.engineError("running a command", `the container is ${container.state}`);
      const scripted = /^(?:exit )?(\d+)$/.exec(command.at(-1) ?? "")?.[1];
      if (scripted !== undefined) return { exitCode: Number(scripted), output: `exit ${scripted}` };
      const health = container.health();
      return { exitCode: health === "healthy" ? 0 : 1, output: `simulated: ${health}` };
    });
  }

  async *logs(containerId: string, query: LogQuery): AsyncGenerator<EngineLogLine> {
    const container = await this.#calls.make(INSPECT_MS, () => this.#host.existing(containerId, "reading logs"));
    yield* container.output.read(query, () => this.#calls.isUp && this.#host.find(containerId) !== undefined);
  }

  stats(containerId: string): Promise<EngineStats | undefined> {
    return this.#calls.make(INSPECT_MS, () => this.#host.find(containerId)?.stats());
  }

  outOfMemory(containerId: string): Promise<boolean> {
    return this.#calls.make(INSPECT_MS, () => this.#host.find(containerId)?.outOfMemory ?? false);
  }

  watch(listener: (event: EngineEvent) => void): { stop(): void } {
    return this.#host.listen(listener, this.#calls.isUp ? { kind: "connected" } : { kind: "disconnected", reason: "the engine is down" });
  }

  disk(): Promise<{ readonly totalBytes: number; readonly usedBytes: number }> {
    return this.#calls.make(INSPECT_MS, () => this.#images.disk());
  }

  /** For `SimulatedProbeTransport`. A network probe does not go through the engine: it works while the engine is down. */
  probeAddress(address: string, what: string, timeoutMs: number): Promise<ProbeAnswer> {
    const container = this.#host.containers.find((item) => item.address === address);
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
    return this.#host.find(containerId)?.health() ?? "unhealthy";
  }

  forceHealth(containerId: string, health: "healthy" | "unhealthy" | undefined): void {
    this.#host.existing(containerId, "a fault").forcedHealth = health;
  }

  /** The engine ends at once. Calls under way fail, and each may or may not have been carried out. Processes go on. */
  crash(): void {
    if (!this.#calls.isUp) return;
    this.#calls.goDown("connection reset");
    for (const container of this.#host.containers) container.output.interrupt();
    this.#host.announce({ kind: "disconnected", reason: "connection reset" });
  }

  /** Without live-restore an engine kills on its start what it finds running; after a power cut nothing runs any more. */
  restart(containers: "survive" | "stopped" = "survive"): void {
    if (this.#calls.isUp) this.crash();
    if (containers === "stopped") for (const container of this.#host.containers) container.kill();
    this.#calls.comeUp();
    this.#host.announce({ kind: "connected" });
  }

  /** Calls get no answer until their deadline. Ends with `answerAgain`. */
  hang(): void {
    this.#calls.hang();
  }

  answerAgain(): void {
    this.#calls.comeUp();
  }

  killProcess(containerId: string): void {
    this.#host.existing(containerId, "a fault").kill();
  }

  killForMemory(containerId: string): void {
    this.#host.existing(containerId, "a fault").killForMemory();
  }

  stopBehindOurBack(containerId: string): void {
    const container = this.#host.existing(containerId, "a fault");
    container.kill();
    this.#announce(container.desired, containerId, "stop");
  }

  removeBehindOurBack(containerId: string): void {
    this.#destroy(containerId);
  }

  pauseBehindOurBack(containerId: string): void {
    this.#host.existing(containerId, "a fault").pause();
  }

  /** The last pause is told again although the container runs, as Docker does now and then. */
  echoPause(containerId: string, durationMs: number): void {
    this.#host.existing(containerId, "a fault").echoPause(durationMs);
  }

  /** As `docker update --memory` would. */
  editBehindOurBack(containerId: string, memoryLimitBytes: number): void {
    const container = this.#host.existing(containerId, "a fault");
    container.memoryLimitBytes = memoryLimitBytes;
    this.#announce(container.desired, containerId, "update");
  }

  /** A process that is not ours listens there. */
  occupyPort(port: number, protocol: "tcp" | "udp" = "tcp"): void {
    this.#host.occupyPort(`${port}/${protocol}`);
  }

  releasePort(port: number, protocol: "tcp" | "udp" = "tcp"): void {
    this.#host.releasePort(`${port}/${protocol}`);
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

  /** `docker rmi`, whoever uses it. */
  removeImageBehindOurBack(digest: string): void {
    this.#images.remove(digest);
  }

  /** Every image on the machine, for checks that look from outside. */
  imagesPresent(): EngineImages["images"] {
    return this.#images.listed().images;
  }

  /** Every container on the machine, for checks that look from outside. */
  containers(): readonly ObservedContainer[] {
    return this.#host.containers.map((item) => item.observed("inspected"));
  }

  #destroy(containerId: string): void {
    const container = this.#host.find(containerId);
    if (container !== undefined && this.#host.destroy(containerId)) this.#announce(container.desired, containerId, "destroy");
  }

  #imagesChanged(): void {
    if (this.#calls.isUp) this.#host.announce({ kind: "images" });
  }

  /** While the engine is down nobody hears of anything. */
  #announce(container: DesiredContainer, containerId: string, action: Action, exitCode?: number): void {
    if (!this.#calls.isUp) return;
    this.#host.announceContainer(container, { kind: "container", action, containerId, ...(exitCode === undefined ? {} : { exitCode }) });
  }
}

function sameLabels(existing: SimulatedContainer, wanted: DesiredContainer): string {
  const differs = Object.entries(wanted.labels).some(([key, value]) => existing.desired.labels[key] !== value);
  if (differs) throw engineFailures.engineError(`creating ${wanted.name}`, "the name is in use by a container with other labels");
  return existing.containerId;
}
