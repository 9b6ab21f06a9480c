import type { Clock, Timer } from "../../runtime/clock.ts";
import type { SimulatedBehaviour } from "./simulated-behaviour.ts";
import type { DesiredContainer, EngineEvent, EngineStats, ObservedContainer } from "./port.ts";
import { engineFailures } from "./failures.ts";
import { hashSettings } from "./settings-hash.ts";
import { LABEL } from "../labels.ts";
import { SimulatedOutput } from "./simulated-output.ts";

const EXIT_KILLED = 137;
const EXIT_TERMINATED = 143;
const EXIT_COMMAND_NOT_FOUND = 127;
/** The wobble of processor use: 30 % up and down, every 40 s. */
const WOBBLE_SHARE = 0.3;
const WOBBLE_PERIOD_MS = 40_000;

type Action = Extract<EngineEvent, { kind: "container" }>["action"];

/** One container and the process in it. Knows nothing of calls and latencies: those are the engine's. */
export class SimulatedContainer {
  readonly containerId: string;
  readonly desired: DesiredContainer;
  readonly address: string;
  readonly behaviour: SimulatedBehaviour;
  readonly output: SimulatedOutput;
  state: ObservedContainer["state"] = "created";
  outOfMemory = false;
  /** Set by a test or a fault; otherwise the behaviour says. */
  forcedHealth: "healthy" | "unhealthy" | undefined;
  memoryLimitBytes: number | undefined;
  readonly #clock: Clock;
  readonly #tell: (action: Action, exitCode?: number) => void;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #endWaiters = new Set<() => void>();
  #timers: Timer[] = [];
  /** What came due while the process was frozen. */
  #overdue: (() => void)[] = [];
  #echoing = false;
  #exitCode: number | undefined;
  #error = "";
  #startedAtMs: number | undefined;
  #finishedAtMs: number | undefined;
  #runningSinceMs = 0;
  /** Asked for often, changed hardly ever. */
  #hashed: { readonly memoryLimitBytes: number | undefined; readonly hash: string } | undefined;

  constructor(
    clock: Clock,
    identity: { readonly containerId: string; readonly address: string },
    desired: DesiredContainer,
    behaviour: SimulatedBehaviour,
    tell: (action: Action, exitCode?: number) => void,
  ) {
    this.#clock = clock;
    this.containerId = identity.containerId;
    this.address = identity.address;
    this.desired = desired;
    this.behaviour = behaviour;
    this.memoryLimitBytes = desired.memoryLimitBytes;
    this.#tell = tell;
    this.#labels = { ...desired.labels, [LABEL.settings]: this.#settings() };
    this.output = new SimulatedOutput(clock, behaviour.logEveryMs);
  }

  get alive(): boolean {
    return this.state === "running" || this.state === "paused";
  }

  run(): void {
    this.state = "running";
    this.#exitCode = undefined;
    this.#error = "";
    this.#finishedAtMs = undefined;
    this.#startedAtMs = this.#clock.nowMs();
    this.#runningSinceMs = this.#clock.monotonicMs();
    this.output.begin(`${this.desired.hostname ?? this.desired.name} runs ${this.desired.image.reference}`);
    this.#tell("start");
    const { exitAfterMs, exitCode, outOfMemoryAfterMs } = this.behaviour;
    if (exitAfterMs !== undefined) this.#later(exitAfterMs, () => this.end(exitCode, `exits with code ${exitCode}`));
    if (outOfMemoryAfterMs !== undefined) this.#later(outOfMemoryAfterMs, () => this.killForMemory());
  }

  /** The engine could not start the process. */
  failToStart(message: string): void {
    this.#exitCode = EXIT_COMMAND_NOT_FOUND;
    this.#error = message;
  }

  end(exitCode: number, lastWords?: string): void {
    if (!this.alive) return;
    if (lastWords !== undefined) this.output.write("stderr", lastWords);
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    this.#overdue = [];
    this.#echoing = false;
    this.state = "exited";
    this.#exitCode = exitCode;
    this.#finishedAtMs = this.#clock.nowMs();
    this.output.finish();
    this.#tell("die", exitCode);
    for (const resolve of this.#endWaiters) resolve();
    this.#endWaiters.clear();
  }

  kill(): void {
    this.end(EXIT_KILLED);
  }

  killForMemory(): void {
    if (!this.alive) return;
    this.outOfMemory = true;
    this.#tell("oom");
    this.end(EXIT_KILLED);
  }

  /** Ends by itself, or is killed after the grace. */
  requestStop(graceMs: number): void {
    if (!this.alive) return;
    this.#tell("kill");
    const { stopMs } = this.behaviour;
    if (this.state === "running" && stopMs !== undefined && stopMs <= graceMs) {
      this.#later(stopMs, () => this.end(EXIT_TERMINATED, "stops as asked"));
    }
    // Also a process that was frozen in the meantime: an engine thaws what it kills.
    this.#timers.push(this.#clock.after(graceMs, () => this.kill()));
  }

  whenEnded(): Promise<void> {
    if (!this.alive) return Promise.resolve();
    return new Promise((resolve) => this.#endWaiters.add(resolve));
  }

  pause(): void {
    if (this.state !== "running") return;
    this.state = "paused";
    this.#tell("pause");
  }

  unpause(): "unpaused" | "already-running" {
    if (this.#echoing) throw engineFailures.engineError("unpausing", "the process is not paused");
    if (this.state !== "paused") return "already-running";
    this.state = "running";
    this.#tell("unpause");
    const overdue = this.#overdue;
    this.#overdue = [];
    for (const call of overdue) call();
    return "unpaused";
  }

  /** Called paused for so long while the process runs; see `DockerEngine.unpause`. */
  echoPause(durationMs: number): void {
    if (this.state !== "running") return;
    this.pause();
    this.#echoing = true;
    this.#timers.push(
      this.#clock.after(durationMs, () => {
        this.#echoing = false;
        this.unpause();
      }),
    );
  }

  health(): "healthy" | "unhealthy" {
    if (this.state !== "running") return "unhealthy";
    if (this.forcedHealth !== undefined) return this.forcedHealth;
    const ageMs = this.#clock.monotonicMs() - this.#runningSinceMs;
    const { healthyAfterMs, sickAfterMs } = this.behaviour;
    const isReady = healthyAfterMs !== undefined && ageMs >= healthyAfterMs;
    return isReady && (sickAfterMs === undefined || ageMs < sickAfterMs) ? "healthy" : "unhealthy";
  }

  /** `settings`, times and errors are what only `inspect` tells, in a real engine as here. */
  observed(detail: "listed" | "inspected"): ObservedContainer {
    const inspected = detail === "inspected";
    return {
      containerId: this.containerId,
      name: this.desired.name,
      labels: this.#labels,
      state: this.state,
      exitCode: this.#exitCode,
      startedAtMs: inspected ? this.#startedAtMs : undefined,
      finishedAtMs: inspected ? this.#finishedAtMs : undefined,
      error: inspected ? this.#error : "",
      address: this.alive ? this.address : undefined,
      networks: this.desired.networks.map(({ name }) => name),
      settings: inspected ? this.#settings() : undefined,
    };
  }

  stats(): EngineStats | undefined {
    if (!this.alive) return undefined;
    const ageMs = this.#clock.monotonicMs() - this.#runningSinceMs;
    const { cpuMillis, memoryBytes } = this.behaviour;
    const turn = (2 * Math.PI) / WOBBLE_PERIOD_MS;
    const wobble = Math.sin(turn * ageMs);
    const wobbledMs = ageMs + (WOBBLE_SHARE / turn) * (1 - Math.cos(turn * ageMs));
    return {
      atMs: this.#clock.nowMs(),
      cpuTotalNs: Math.round(cpuMillis * wobbledMs * 1_000),
      memoryUsedBytes: Math.min(
        Math.round(memoryBytes * (1 + (WOBBLE_SHARE / 3) * wobble)),
        this.memoryLimitBytes ?? Number.MAX_SAFE_INTEGER,
      ),
      memoryLimitBytes: this.memoryLimitBytes,
      rxBytes: Math.round(wobbledMs * 12),
      txBytes: Math.round(wobbledMs * 30),
      pids: 3,
    };
  }

  #settings(): string {
    if (this.#hashed?.memoryLimitBytes !== this.memoryLimitBytes || this.#hashed === undefined) {
      const { labels: _, ...rest } = this.desired;
      this.#hashed = { memoryLimitBytes: this.memoryLimitBytes, hash: hashSettings({ ...rest, memoryLimitBytes: this.memoryLimitBytes }) };
    }
    return this.#hashed.hash;
  }

  #later(delayMs: number, call: () => void): void {
    this.#timers.push(
      this.#clock.after(delayMs, () => {
        if (this.state === "paused") this.#overdue.push(call);
        else call();
      }),
    );
  }
}
