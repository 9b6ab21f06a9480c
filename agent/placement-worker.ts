import type { NodeAllowance } from "../actors/node/allowance-contract.ts";
import type { Placement } from "../actors/node/assignment-contract.ts";
import type { Failure } from "../actors/node/observed-contract.ts";
import type { Clock, Random, Timer } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { evolve, type PlacementEvent, type PlacementRecord } from "./agent-state.ts";
import { HEALTHY_RESET_MS, LONGEST_DELAY_MS, repeatDelayMs, startRetryDelayMs } from "./back-off.ts";
import type { ContainerTable } from "./container-table.ts";
import type { AttemptContext } from "./desired-container.ts";
import { type Engine, EngineFailure } from "./engine/port.ts";
import { execute } from "./execute.ts";
import type { Gates, StepContext } from "./step-context.ts";
import type { Images } from "./images.ts";
import { attemptOf, type KnownContainer, plan, type Step } from "./plan.ts";
import type { PlacementFiles } from "./placement-files.ts";
import { ProbeRunner } from "./probe-runner.ts";
import type { ProbeTransport } from "./probe-transport.ts";
import type { RealPath } from "./real-path.ts";

/** Told pull progress at most so often. */
const PROGRESS_INTERVAL_MS = 1_000;
/** Steps without a pause in between; more is a plan that does not converge, and is slowed down instead of spinning. */
const MAX_STEPS_IN_A_ROW = 100;
/** Between repetitions of a step that has nothing to do with an attempt, such as a removal. */
const LONGEST_STEP_RETRY_MS = 30_000;

/** What the worker shares with the whole agent. */
export interface WorkerParts {
  readonly engine: Engine;
  readonly probes: ProbeTransport;
  readonly table: ContainerTable;
  readonly images: Images;
  readonly gates: Gates;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly allows: NodeAllowance;
  readonly realPath: RealPath;
  readonly files: PlacementFiles;
  attemptContext(): AttemptContext;
  /** Ports of the node that placements are reached at. */
  takenPorts(): ReadonlySet<number>;
  /** No step is taken while the engine is away: what is known of it may be wrong. */
  engineIsReachable(): boolean;
  engineWentAway(reason: string): void;
  containersOf(placementId: string): readonly KnownContainer[];
  absence(): "removed" | "lost";
  changed(worker: PlacementWorker): void;
  forgotten(worker: PlacementWorker): void;
}

/** Brings one placement from what is to what should be, one step at a time. */
export class PlacementWorker {
  readonly placementId: string;
  readonly #parts: WorkerParts;
  #record: PlacementRecord;
  #placement: Placement | undefined;
  #running = false;
  #again = false;
  #stopped = false;
  #abort = new AbortController();
  #probe: ProbeRunner | undefined;
  #timer: { readonly key: string; readonly timer: Timer } | undefined;
  #stepRetry: Timer | undefined;
  #stepFailures = 0;
  #progressAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: WorkerParts, record: PlacementRecord, placement: Placement | undefined) {
    this.#parts = parts;
    this.#record = record;
    this.#placement = placement;
    this.placementId = record.placementId;
  }

  get record(): PlacementRecord {
    return this.#record;
  }

  get placement(): Placement | undefined {
    return this.#placement;
  }

  /** Wanted so from now on; undefined: not any more. */
  want(placement: Placement | undefined): void {
    const wasDesired = this.#placement?.desired;
    this.#placement = placement;
    if (placement?.desired !== wasDesired) {
      this.#abort.abort(new StepObsolete());
      this.#abort = new AbortController();
    }
    this.kick();
  }

  /** Something changed: look what to do. */
  kick(): void {
    if (this.#stopped) return;
    this.#again = true;
    if (!this.#running) void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.#abort.abort(new StepObsolete());
    this.#probe?.stop();
    this.#timer?.timer.cancel();
    this.#stepRetry?.cancel();
  }

  apply(event: PlacementEvent): void {
    if (this.#stopped) return;
    const next = evolve(this.#record, event, this.#parts.clock.nowMs());
    if (next === this.#record) return;
    this.#record = next;
    this.#followPhase();
    this.#parts.changed(this);
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      for (let steps = 0; this.#again && !this.#stopped && this.#parts.engineIsReachable(); steps += 1) {
        this.#again = false;
        if (steps >= MAX_STEPS_IN_A_ROW) return this.#retryLater("the plan does not converge");
        const step = this.#nextStep();
        if (step === undefined) return this.#followPhase();
        if (!(await this.#take(step))) return;
        this.#again = true;
      }
    } finally {
      this.#running = false;
    }
  }

  #nextStep(): Step | undefined {
    const containers = this.#parts.containersOf(this.placementId);
    const latest = Math.max(0, ...containers.map(attemptOf));
    if (latest > this.#record.attempt) this.apply({ kind: "attempt-seen", attempt: latest });
    const image = this.#placement?.template.image;
    const isPresent = image !== undefined && this.#parts.images.isPresent(image);
    const current = { record: this.#record, containers, image: isPresent ? "present" : "unknown", absence: this.#parts.absence() } as const;
    return plan(current, this.#placement).at(0);
  }

  /** Whether to go on with the next step at once. */
  async #take(step: Step): Promise<boolean> {
    try {
      await execute(step, this.#context());
      this.#stepFailures = 0;
      // `start` and `create` leave a container that may run by now: the plan adopts it.
      return true;
    } catch (cause) {
      if (cause instanceof StepObsolete) return true;
      if (!(cause instanceof EngineFailure)) throw cause;
      return this.#failed(step, cause.failure);
    }
  }

  #failed(step: Step, failure: Omit<Failure, "atMs">): boolean {
    if (this.#stopped) return false;
    if (failure.code === "engine.unavailable") {
      this.#again = true;
      this.#parts.engineWentAway(failure.message);
      return false;
    }
    // It was there when this step was planned: somebody removed it since. That is no failure, it is pulled again.
    if (step.kind === "create" && failure.code === "image.not-found") {
      this.#doubtImage();
      return true;
    }
    if (step.kind === "pull" || step.kind === "create" || step.kind === "start" || failure.code === "hook.failed") {
      this.#startFailed(failure);
      return true;
    }
    this.#parts.log.warn("a step failed", { placement: this.placementId, step: step.kind, reason: failure.message });
    this.#retryLater(failure.message);
    // Something else happened meanwhile: perhaps another step comes first now.
    return this.#again;
  }

  #doubtImage(): void {
    if (this.#placement !== undefined) this.#parts.images.doubt(this.#placement.template.image);
  }

  #startFailed(failure: Omit<Failure, "atMs">): void {
    this.#doubtImage();
    const container = this.#parts.containersOf(this.placementId).find((other) => attemptOf(other) === this.#record.attempt);
    const delayMs = startRetryDelayMs(this.#record.failuresInRow, this.#parts.random.next());
    const ended = { kind: "ended", cause: "start-failed", exitCode: undefined, failure, next: { kind: "again", delayMs } } as const;
    this.apply({ ...ended, containerId: container?.containerId });
  }

  #retryLater(reason: string): void {
    const delayMs = repeatDelayMs(this.#stepFailures, LONGEST_STEP_RETRY_MS, this.#parts.random.next());
    this.#stepFailures += 1;
    this.#parts.log.debug("trying again later", { placement: this.placementId, reason, delayMs });
    this.#stepRetry?.cancel();
    this.#stepRetry = this.#parts.clock.after(delayMs, () => this.kick());
  }

  #context(): StepContext {
    const { engine, table, images, gates, clock, random, allows, realPath, files } = this.#parts;
    return {
      engine,
      allows,
      realPath,
      files,
      table,
      images,
      gates,
      clock,
      record: this.#record,
      placement: this.#placement,
      attempt: this.#parts.attemptContext(),
      takenPorts: () => this.#parts.takenPorts(),
      chance: () => random.next(),
      apply: (event) => this.apply(event),
      progress: (doneBytes, totalBytes) => this.#progressed(doneBytes, totalBytes),
      forget: () => {
        this.stop();
        this.#parts.forgotten(this);
      },
      signal: this.#abort.signal,
    };
  }

  #progressed(doneBytes: number, totalBytes: number): void {
    const now = this.#parts.clock.monotonicMs();
    if (now - this.#progressAtMs < PROGRESS_INTERVAL_MS) return;
    this.#progressAtMs = now;
    this.apply({ kind: "pull-progressed", doneBytes, totalBytes });
  }

  /** Probes and timers belong to a phase: begun with it and over with it. */
  #followPhase(): void {
    const { current } = this.#record;
    const check = this.#placement?.template.health;
    const probed = current.phase === "running" && check !== undefined && current.health !== "unhealthy" ? current.containerId : undefined;
    if (this.#probe?.containerId !== probed) {
      this.#probe?.stop();
      this.#probe = undefined;
    }
    if (current.phase === "running" && check !== undefined && probed !== undefined && this.#probe === undefined)
      this.#beginProbing(probed, current.health);
    this.#setTimer();
  }

  #beginProbing(containerId: string, health: "proving" | "healthy" | "unhealthy"): void {
    const template = this.#placement?.template;
    if (template?.health === undefined) return;
    const target = { containerId, template, check: template.health, health };
    this.#probe = new ProbeRunner(this.#parts, target, (verdict, output) => {
      this.apply({ kind: "health-changed", health: verdict, output });
      if (verdict === "unhealthy") this.kick();
    });
  }

  #setTimer(): void {
    const { current } = this.#record;
    const wanted = this.#timerOf(current);
    if (wanted?.key === this.#timer?.key) return;
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    if (wanted === undefined) return;
    const timer = this.#parts.clock.after(wanted.delayMs, () => {
      this.#timer = undefined;
      this.apply(wanted.event);
      this.kick();
    });
    this.#timer = { key: wanted.key, timer };
  }

  #timerOf(
    current: PlacementRecord["current"],
  ): { readonly key: string; readonly delayMs: number; readonly event: PlacementEvent } | undefined {
    if (current.phase === "backing-off" && this.#placement?.desired === "running") {
      // The wall clock may have jumped since the record was written.
      const delayMs = Math.min(LONGEST_DELAY_MS, Math.max(0, current.nextAttemptAtMs - this.#parts.clock.nowMs()));
      return { key: `retry ${this.#record.attempt}`, delayMs, event: { kind: "retry-due" } };
    }
    if (current.phase === "running" && current.health === "healthy" && this.#record.failuresInRow > 0) {
      return {
        key: `proven ${this.#record.attempt}`,
        delayMs: this.#placement?.template.restart.windowMs ?? HEALTHY_RESET_MS,
        event: { kind: "proven" },
      };
    }
    return undefined;
  }
}

/** The placement is wanted differently: what is being waited for no longer matters. */
class StepObsolete extends Error {}
