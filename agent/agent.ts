import type { NodeAllowance } from "../actors/node/allowance-contract.ts";
import type { Assignment, AssignmentAnswer, AssignmentChange, AssignmentPortion, Placement } from "../actors/node/assignment-contract.ts";
import type { Clock, Random } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { type AgentDisk, DiskFailure } from "./agent-disk.ts";
import type { PlacementRecord } from "./agent-state.ts";
import { type AssignmentNumber, compareAssignments } from "./assignment-order.ts";
import { ContainerTable } from "./container-table.ts";
import type { AttemptContext } from "./desired-container.ts";
import { type Engine, type EngineEvent, EngineFailure } from "./engine/port.ts";
import { EnginePresence } from "./engine-presence.ts";
import { blamedOnEngine, causeToldAfterwards } from "./exit-causes.ts";
import { newGates } from "./step-context.ts";
import { type Beginning, recordOfOrphan, recordOfPlacement } from "./first-record.ts";
import { Gate } from "./gate.ts";
import { AssignmentPortions, changedAssignment } from "./given-assignments.ts";
import { Images } from "./images.ts";
import { LABEL } from "./labels.ts";
import { AgentMemory } from "./memory.ts";
import { orphansAmong } from "./orphans.ts";
import { PlacementWorker, type WorkerParts } from "./placement-worker.ts";
import { NetworkTidying } from "./network-tidying.ts";
import type { PlacementFiles } from "./placement-files.ts";
import type { ProbeTransport } from "./probe-transport.ts";
import type { RealPath } from "./real-path.ts";

const MAX_CONCURRENT_INSPECTIONS = 8;

export interface AgentParts {
  readonly tenant: string;
  readonly node: string;
  /** Where other nodes reach this one. */
  readonly address: string;
  readonly engine: Engine;
  readonly probes: ProbeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: AgentDisk;
  readonly log: Log;
  /** What containers may have of this node. */
  readonly allows: NodeAllowance;
  readonly realPath: RealPath;
  readonly files: PlacementFiles;
}

export interface AgentListener {
  /** A placement's record changed. */
  changed(placementId: string): void;
  /** The engine came or went. */
  engineChanged(): void;
  /** Other images are on the engine, or the same under other names. */
  imagesChanged(): void;
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
  readonly #networks: NetworkTidying;
  #listener: AgentListener = { changed: () => undefined, engineChanged: () => undefined, imagesChanged: () => undefined };
  #assignment: Assignment | undefined;
  readonly #portions = new AssignmentPortions();
  #forgottenSequence = 0;
  #accepting: Promise<unknown> = Promise.resolve();
  #watch: { stop(): void } | undefined;
  #stopped = false;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    const { engine, probes, clock, random, log, allows, realPath, files } = parts;
    this.table = new ContainerTable(engine, clock, parts);
    this.images = new Images(engine, log);
    this.#memory = new AgentMemory(parts.disk, clock, log);
    this.#presence = new EnginePresence({
      table: this.table,
      claim: () => engine.claim(),
      clock,
      random,
      log,
      inspections: this.#inspections,
      looked: (came) => this.#looked(came),
      went: () => this.#engineWentAway(),
    });
    this.#networks = new NetworkTidying({
      engine,
      log,
      identity: parts,
      placements: () => this.#assignment?.placements ?? [],
    });
    this.#workerParts = {
      engine,
      probes,
      clock,
      random,
      log,
      allows,
      realPath,
      files,
      table: this.table,
      images: this.images,
      gates: newGates(),
      attemptContext: () => this.#attemptContext(),
      takenPorts: () => this.#takenPorts(),
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
    await this.#parts.files.sweep((placementId) => this.#workers.has(placementId));
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

  /** Why the engine is not used although it answers, in one clause. */
  get engineRefusal(): string | undefined {
    return this.#presence.refusal;
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
  assign(given: Assignment | AssignmentPortion | AssignmentChange): Promise<AssignmentAnswer> {
    const answer = this.#accepting.then(() => this.#accept(given));
    // One that was not expected to fail must not take those after it along.
    this.#accepting = answer.catch(() => undefined);
    return answer;
  }

  async #accept(given: Assignment | AssignmentPortion | AssignmentChange): Promise<AssignmentAnswer> {
    const { epoch, number } = this.assigned;
    const order = this.#assignment === undefined ? 1 : compareAssignments(given, this.#assignment);
    if (order < 0 || this.#stopped) return { kind: "stale", epoch, number };
    const accepted = { kind: "accepted" as const, epoch: given.epoch, number: given.number };
    if (order === 0) return accepted;
    const assignment = this.#whole(given);
    if (assignment === undefined)
      return given.kind === "assignment-portion" ? { kind: "kept" } : { kind: "lacking", names: ["assignment"] };
    try {
      await this.#memory.keepAssignment(assignment, given.kind === "assignment-change" ? given : undefined);
    } catch (cause) {
      if (!(cause instanceof DiskFailure)) throw cause;
      return { kind: "not-stored", message: cause.message };
    }
    this.#adopt(assignment);
    return accepted;
  }

  #whole(given: Assignment | AssignmentPortion | AssignmentChange): Assignment | undefined {
    switch (given.kind) {
      case "assignment":
        return given;
      case "assignment-portion":
        return this.#portions.take(given);
      case "assignment-change":
        return changedAssignment(this.#assignment, given);
    }
  }

  #adopt(assignment: Assignment): void {
    if (this.#stopped) return;
    this.#assignment = assignment;
    const wanted = new Set<string>();
    for (const placement of assignment.placements) {
      wanted.add(placement.placementId);
      const known = this.#workers.get(placement.placementId);
      if (known?.placement !== placement) (known ?? this.#addWorker(this.#recordFor(placement), placement)).want(placement);
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
    return recordOfPlacement(placement, this.#workerParts.containersOf(placement.placementId), this.#beginning());
  }

  #beginning(): Beginning {
    return { forgottenSequence: this.#forgottenSequence, atMs: this.#parts.clock.nowMs() };
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
    this.#parts.files.forget(placementId);
    this.#networks.due();
    this.#memory.keepRecord(placementId, () => this.#workers.get(placementId)?.record);
  }

  #isAssigned(placementId: string): boolean {
    return this.#workers.get(placementId)?.placement !== undefined;
  }

  #attemptContext(): AttemptContext {
    const { epoch, number } = this.assigned;
    return { tenant: this.#parts.tenant, node: this.#parts.node, address: this.#parts.address, epoch, generation: number };
  }

  #takenPorts(): ReadonlySet<number> {
    return new Set([...this.#workers.values()].flatMap(({ record }) => (record.endpoints ?? []).map(({ port }) => port)));
  }

  #tendOrphans(): void {
    if (!this.#presence.isReachable) return;
    for (const { placementId, container } of orphansAmong(this.table.all(), this.#assignment, (id) => this.#workers.has(id)))
      this.#addWorker(recordOfOrphan(placementId, container, this.#beginning()), undefined).kick();
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
      case "images":
        this.#listener.imagesChanged();
        return;
      default:
        event satisfies never;
    }
  }

  #onContainerEvent(event: Extract<EngineEvent, { kind: "container" }>): void {
    const placementId = this.table.get(event.containerId)?.labels[LABEL.placement];
    const worker = placementId === undefined ? undefined : this.#workers.get(placementId);
    const ask = this.table.noted(event) === "ask";
    const learned = worker === undefined ? undefined : causeToldAfterwards(worker.record, event);
    if (learned !== undefined) worker?.apply(learned);
    worker?.kick();
    if (ask) void this.#inspect(event.containerId);
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
    const nowMs = this.#parts.clock.nowMs();
    for (const worker of this.#workers.values()) for (const learned of blamedOnEngine(worker.record, nowMs)) worker.apply(learned);
    this.#listener.engineChanged();
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
