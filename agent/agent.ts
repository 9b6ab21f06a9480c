import type { NodeAllowance } from "../actors/node/allowance-contract.ts";
import type { Assignment, AssignmentAnswer, Placement } from "../actors/node/contract.ts";
import type { Clock, Random } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { type AgentDisk, DiskFailure } from "./agent-disk.ts";
import { newRecord, type PlacementRecord } from "./agent-state.ts";
import { type AssignmentNumber, compareAssignments } from "./assignment-order.ts";
import { ContainerTable } from "./container-table.ts";
import { type AttemptContext, labelNumber } from "./desired-container.ts";
import { type Engine, type EngineEvent, EngineFailure } from "./engine/port.ts";
import { EnginePresence } from "./engine-presence.ts";
import { newGates } from "./execute.ts";
import { Gate } from "./gate.ts";
import { Images } from "./images.ts";
import { LABEL } from "./labels.ts";
import { AgentMemory } from "./memory.ts";
import { PlacementWorker, type WorkerParts } from "./placement-worker.ts";
import { attemptOf, type KnownContainer } from "./plan.ts";
import type { ProbeTransport } from "./probe-transport.ts";

const MAX_CONCURRENT_INSPECTIONS = 8;
/** How long Docker takes at most to stop its containers before it ends (its default `shutdown-timeout`). */
const ENGINE_SHUTDOWN_MS = 15_000;
const DEFAULT_STOP = { signal: "SIGTERM", graceMs: 10_000 };

export interface AgentParts {
  readonly tenant: string;
  readonly node: string;
  readonly engine: Engine;
  readonly probes: ProbeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: AgentDisk;
  readonly log: Log;
  /** What containers may have of this node. */
  readonly allows: NodeAllowance;
}

export interface AgentListener {
  /** A placement's record changed. */
  changed(placementId: string): void;
  /** The engine came or went. */
  engineChanged(): void;
}

/** Makes the node be what its assignment says, and tells what it is. Knows nothing of the control plane: whoever gives it assignments also carries its statuses away. */
export class Agent {
  readonly table: ContainerTable;
  readonly images: Images;
  readonly #parts: AgentParts;
  readonly #memory: AgentMemory;
  readonly #workers = new Map<string, PlacementWorker>();
  readonly #workerParts: WorkerParts;
  readonly #inspections = new Gate(MAX_CONCURRENT_INSPECTIONS);
  readonly #presence: EnginePresence;
  #listener: AgentListener = { changed: () => undefined, engineChanged: () => undefined };
  #assignment: Assignment | undefined;
  #forgottenSequence = 0;
  #accepting: Promise<unknown> = Promise.resolve();
  #watch: { stop(): void } | undefined;
  #stopped = false;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    const { engine, probes, clock, random, log, allows } = parts;
    this.table = new ContainerTable(engine, clock, parts);
    this.images = new Images(engine, log);
    this.#memory = new AgentMemory(parts.disk, clock, log);
    this.#presence = new EnginePresence({
      table: this.table,
      clock,
      random,
      log,
      inspections: this.#inspections,
      looked: (came) => this.#looked(came),
      went: () => this.#engineWentAway(),
    });
    this.#workerParts = {
      engine,
      probes,
      clock,
      random,
      log,
      allows,
      table: this.table,
      images: this.images,
      gates: newGates(),
      attemptContext: () => this.#attemptContext(),
      engineIsReachable: () => this.#presence.isReachable,
      engineWentAway: (reason) => this.#presence.wentAway(reason),
      containersOf: (placementId) => this.table.all().filter((container) => container.labels[LABEL.placement] === placementId),
      absence: () => this.#presence.absence,
      changed: (worker) => this.#changed(worker.placementId),
      forgotten: (worker) => this.#forgotten(worker.placementId),
    };
  }

  /** Recalls its former life and begins to work; `looked` resolves once it has, or could not have, seen the engine. Rejects with `DiskFailure` when its disk cannot be read. */
  async start(listener: AgentListener): Promise<{ readonly looked: Promise<void> }> {
    const remembered = await this.#memory.recall();
    this.#listener = listener;
    this.#assignment = this.#ours(remembered.assignment);
    const placements = new Map(this.#assignment?.placements.map((placement) => [placement.placementId, placement]));
    for (const record of remembered.records) this.#addWorker(record, placements.get(record.placementId));
    for (const placement of placements.values()) {
      if (!this.#workers.has(placement.placementId)) this.#addWorker(this.#recordFor(placement), placement);
    }
    this.#watch = this.#parts.engine.watch((event) => this.#onEngineEvent(event));
    return { looked: this.#presence.look("first") };
  }

  /** Containers stay as they are. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#watch?.stop();
    this.#presence.stop();
    for (const worker of this.#workers.values()) worker.stop();
    this.images.stop();
    await this.#accepting;
    await this.#memory.settled();
  }

  get engine(): "reachable" | "unreachable" {
    return this.#presence.isReachable ? "reachable" : "unreachable";
  }

  /** Of the assignment it works on; (0, 0) before the first. */
  get assigned(): AssignmentNumber {
    return this.#assignment ?? { epoch: 0, number: 0 };
  }

  records(): readonly PlacementRecord[] {
    return [...this.#workers.values()].map((worker) => worker.record).filter((record) => this.#isAssigned(record.placementId));
  }

  record(placementId: string): PlacementRecord | undefined {
    return this.#isAssigned(placementId) ? this.#workers.get(placementId)?.record : undefined;
  }

  placement(placementId: string): Placement | undefined {
    return this.#workers.get(placementId)?.placement;
  }

  /** On the disk before it is accepted; a smaller (epoch, number) is stale, the same again changes nothing. */
  assign(assignment: Assignment): Promise<AssignmentAnswer> {
    const answer = this.#accepting.then(() => this.#accept(assignment));
    this.#accepting = answer;
    return answer;
  }

  async #accept(assignment: Assignment): Promise<AssignmentAnswer> {
    const { epoch, number } = this.assigned;
    const order = this.#assignment === undefined ? 1 : compareAssignments(assignment, this.#assignment);
    if (order < 0 || this.#stopped) return { kind: "stale", epoch, number };
    if (order > 0) {
      try {
        await this.#memory.keepAssignment(assignment);
      } catch (cause) {
        if (!(cause instanceof DiskFailure)) throw cause;
        return { kind: "not-stored", message: cause.message };
      }
      this.#adopt(assignment);
    }
    return { kind: "accepted", epoch: assignment.epoch, number: assignment.number };
  }

  #adopt(assignment: Assignment): void {
    if (this.#stopped) return;
    this.#assignment = assignment;
    const wanted = new Set<string>();
    for (const placement of assignment.placements) {
      wanted.add(placement.placementId);
      const worker = this.#workers.get(placement.placementId) ?? this.#addWorker(this.#recordFor(placement), placement);
      worker.want(placement);
    }
    for (const worker of this.#workers.values()) {
      if (!wanted.has(worker.placementId)) worker.want(undefined);
    }
    this.#tendOrphans();
    if (this.#presence.isReachable) this.images.prefetch(assignment.prefetch);
  }

  /** An assignment on the disk that was meant for another node came with a copied disk. */
  #ours(assignment: Assignment | undefined): Assignment | undefined {
    if (assignment === undefined || (assignment.tenant === this.#parts.tenant && assignment.node === this.#parts.node)) return assignment;
    this.#parts.log.error("the assignment on the disk is for another node and not used", {
      tenant: assignment.tenant,
      node: assignment.node,
    });
    return undefined;
  }

  #recordFor(placement: Placement): PlacementRecord {
    const { stopSignal, stopGraceMs } = placement.template;
    const attempt = Math.max(1, ...this.#workerParts.containersOf(placement.placementId).map(attemptOf));
    const { placementId, deployment, slot } = placement;
    return newRecord({
      placementId,
      deployment,
      slot,
      attempt,
      stopSignal,
      stopGraceMs,
      forgottenSequence: this.#forgottenSequence,
      atMs: this.#parts.clock.nowMs(),
    });
  }

  #addWorker(record: PlacementRecord, placement: Placement | undefined): PlacementWorker {
    const worker = new PlacementWorker(this.#workerParts, record, placement);
    this.#workers.set(record.placementId, worker);
    this.#changed(record.placementId);
    return worker;
  }

  #changed(placementId: string): void {
    this.#memory.keepRecord(placementId, () => this.#workers.get(placementId)?.record);
    if (this.#isAssigned(placementId)) this.#listener.changed(placementId);
  }

  #forgotten(placementId: string): void {
    this.#forgottenSequence = Math.max(this.#forgottenSequence, this.#workers.get(placementId)?.record.sequence ?? 0);
    this.#workers.delete(placementId);
    this.#memory.keepRecord(placementId, () => this.#workers.get(placementId)?.record);
  }

  #isAssigned(placementId: string): boolean {
    return this.#workers.get(placementId)?.placement !== undefined;
  }

  #attemptContext(): AttemptContext {
    const { epoch, number } = this.assigned;
    return { tenant: this.#parts.tenant, node: this.#parts.node, epoch, generation: number };
  }

  /** Containers of ours that the assignment does not know, and that are not newer than it. Without an assignment nothing is known to be superfluous. */
  #tendOrphans(): void {
    const assignment = this.#assignment;
    if (assignment === undefined || !this.#presence.isReachable) return;
    for (const container of this.table.all()) {
      const placementId = container.labels[LABEL.placement];
      if (placementId === undefined || this.#workers.has(placementId)) continue;
      const madeFor = { epoch: labelNumber(container.labels, LABEL.epoch), number: labelNumber(container.labels, LABEL.generation) };
      if (compareAssignments(madeFor, assignment) > 0) continue;
      this.#addWorker(this.#orphanRecord(placementId, container), undefined).kick();
    }
  }

  #orphanRecord(placementId: string, { labels }: KnownContainer): PlacementRecord {
    const stop = { stopSignal: DEFAULT_STOP.signal, stopGraceMs: DEFAULT_STOP.graceMs };
    const slot = Math.max(1, labelNumber(labels, LABEL.slot));
    const attempt = Math.max(1, labelNumber(labels, LABEL.attempt));
    return newRecord({
      placementId,
      deployment: labels[LABEL.deployment] ?? "",
      slot,
      attempt,
      ...stop,
      forgottenSequence: this.#forgottenSequence,
      atMs: this.#parts.clock.nowMs(),
    });
  }

  #onEngineEvent(event: EngineEvent): void {
    if (this.#stopped) return;
    switch (event.kind) {
      case "connected":
        this.#presence.connected();
        return;
      case "disconnected":
        this.#presence.wentAway(event.reason);
        return;
      case "container":
        this.#onContainerEvent(event);
        return;
      default:
        event satisfies never;
    }
  }

  #onContainerEvent(event: Extract<EngineEvent, { kind: "container" }>): void {
    const placementId = this.table.get(event.containerId)?.labels[LABEL.placement];
    const worker = placementId === undefined ? undefined : this.#workers.get(placementId);
    const ask = this.table.noted(event) === "ask";
    if (worker !== undefined) this.#refineCause(worker, event);
    worker?.kick();
    if (ask) void this.#inspect(event.containerId);
  }

  /** How an attempt ended becomes clear only after it ended: the engine says `die` first, and then `stop` or `destroy`. */
  #refineCause(worker: PlacementWorker, { action, containerId }: Extract<EngineEvent, { kind: "container" }>): void {
    if (action !== "stop" && action !== "destroy") return;
    const exit = worker.record.exits.find((other) => other.containerId === containerId && other.cause !== "paused");
    if (exit?.evidence !== "open" || (exit.cause !== "killed" && exit.cause !== "exited")) return;
    worker.apply({ kind: "cause-learned", containerId, cause: action === "stop" ? "stopped" : "removed" });
  }

  async #inspect(containerId: string): Promise<void> {
    try {
      const container = await this.#inspections.run(() => this.table.inspect(containerId));
      this.#workers.get(container?.labels[LABEL.placement] ?? "")?.kick();
      this.#tendOrphans();
    } catch (cause) {
      if (!(cause instanceof EngineFailure)) throw cause;
      this.#parts.log.debug("a container could not be inspected", { containerId, reason: cause.message });
    }
  }

  #engineWentAway(): void {
    for (const worker of this.#workers.values()) this.#blameEngine(worker);
    this.#listener.engineChanged();
  }

  /** An engine that goes down takes its containers along: what ended a moment before has that reason. Asked to end, it stops each as a person would. */
  #blameEngine(worker: PlacementWorker): void {
    const shutdownBeganMs = this.#parts.clock.nowMs() - ENGINE_SHUTDOWN_MS;
    for (const { cause, containerId, evidence, atMs } of worker.record.exits) {
      if (containerId === undefined) continue;
      const isOpen = evidence === "open" && (cause === "killed" || cause === "exited");
      const wasStopped = cause === "stopped" && atMs >= shutdownBeganMs;
      if (isOpen || wasStopped) worker.apply({ kind: "cause-learned", containerId, cause: "lost" });
    }
  }

  #looked(came: boolean): void {
    if (came) this.images.doubtAll();
    this.#tendOrphans();
    for (const worker of this.#workers.values()) worker.kick();
    if (!came) return;
    this.images.prefetch(this.#assignment?.prefetch ?? []);
    this.#listener.engineChanged();
  }
}
