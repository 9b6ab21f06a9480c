import { deploymentActor } from "../../actors/deployment/actor.ts";
import { hostNamesActor } from "../../actors/host-name/actor.ts";
import { ingressActor } from "../../actors/ingress/actor.ts";
import { noKeys } from "../../actors/ingress/keys.ts";
import { nodeActor } from "../../actors/node/actor.ts";
import { schedulerActor } from "../../actors/scheduler/actor.ts";
import { stackActor } from "../../actors/stack/actor.ts";
import type { AnyActorDefinition } from "../../runtime/actor.ts";
import { ActorHost } from "../../runtime/actor-host.ts";
import type { Bus } from "../../runtime/bus.ts";
import type { Journal, ReadModel } from "../../runtime/journal.ts";
import type { Log } from "../../runtime/log.ts";
import type { MemoryBroker } from "../../runtime/memory-bus.ts";
import { noMeter } from "../../runtime/meter.ts";
import { FaultyJournal, SOUND_DISK, type CrashMoment, type JournalFaults } from "../../runtime/simulation/faulty-journal.ts";
import type { SimLoop } from "../../runtime/simulation/sim-loop.ts";
import { SimProcess } from "../../runtime/simulation/sim-process.ts";
import { memorySealedStore } from "../../storage/memory-sealed.ts";
import { attachMemoryTenant } from "../../storage/memory-tenant.ts";
import type { TenantStore } from "../../storage/tenant-store.ts";
import { OWNERS, type Owner } from "./tenant.ts";
import type { Trace } from "./trace.ts";

export interface SimControlPlaneParts {
  readonly loop: SimLoop;
  readonly broker: MemoryBroker;
  readonly stores: Readonly<Record<Owner, TenantStore>>;
  readonly trace: Trace;
  readonly log: Log;
  /** Between the process and its disk: what records, and what a mutation breaks. */
  readonly journal: (journal: Journal, owner: Owner) => Journal;
  /** `life` counts the processes from 1. */
  readonly definition: (definition: AnyActorDefinition, life: number) => AnyActorDefinition;
}

/** One life of the control plane's process. */
export interface ControlPlaneLife {
  readonly process: SimProcess;
  readonly host: ActorHost;
  readonly bus: Bus;
  readonly readsOf: (owner: Owner) => ReadModel;
}

/** The control plane's process, as often as it is started, over files that outlive it. */
export class SimControlPlane {
  readonly #parts: SimControlPlaneParts;
  #life: (ControlPlaneLife & { readonly journals: readonly FaultyJournal[] }) | undefined;
  #serving: ControlPlaneLife | undefined;
  /** They go on as if they still owned the tenant. */
  readonly #overtaken = new Set<ControlPlaneLife>();
  #lives = 0;
  #faults: JournalFaults = SOUND_DISK;
  readonly #sealed = memorySealedStore();
  #wallOffsetMs = 0;

  constructor(parts: SimControlPlaneParts) {
    this.#parts = parts;
  }

  /** Undefined while it is down or starting. */
  get life(): ControlPlaneLife | undefined {
    return this.#serving;
  }

  /** Those that were overtaken and do not know it are there, too. */
  get lives(): readonly ControlPlaneLife[] {
    return [...(this.#serving === undefined ? [] : [this.#serving]), ...this.#overtaken];
  }

  start(): void {
    if (this.#life === undefined) void this.#start();
  }

  /** As `kill -9`. */
  kill(): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#parts.trace.add("control plane killed");
    life.process.kill();
    this.#life = undefined;
    this.#serving = undefined;
    void life.bus.close();
  }

  /** A second process takes the tenant over while the first, thought dead, goes on until the answer is called. */
  takeOver(): () => void {
    const old = this.#life;
    if (old === undefined) return () => undefined;
    this.#life = undefined;
    this.#serving = undefined;
    this.#overtaken.add(old);
    this.start();
    return () => {
      old.process.kill();
      this.#overtaken.delete(old);
      void old.bus.close();
    };
  }

  /** Dies at a commit to come; `killed` is called when it has. */
  killAtCommit(commits: number, moment: CrashMoment, killed: () => void): void {
    const life = this.#life;
    for (const journal of life?.journals ?? [])
      journal.crashAfter(commits, moment, () => {
        if (life !== this.#life) return;
        this.kill();
        killed();
      });
  }

  /** It does not die at a commit to come after all. */
  spare(): void {
    for (const journal of this.#life?.journals ?? []) journal.crashAfter(Infinity, "before-commit");
  }

  setDiskFaults(faults: JournalFaults): void {
    this.#faults = faults;
    for (const journal of this.#life?.journals ?? []) journal.setFaults(faults);
  }

  setWallOffset(offsetMs: number): void {
    this.#life?.process.jumpWall(offsetMs - this.#wallOffsetMs);
    this.#wallOffsetMs = offsetMs;
  }

  async #start(): Promise<void> {
    const { loop, broker, trace, log } = this.#parts;
    this.#lives += 1;
    const number = this.#lives;
    const process = new SimProcess(loop, `control-plane-${number}`);
    process.jumpWall(this.#wallOffsetMs);
    const bus = broker.connect(process.name);
    const files = OWNERS.map((owner) => this.#attach(owner, process));
    const epochs = new Map<string, number>();
    const outside = { clock: process.clock, bus, epochOf: (tenant: string) => epochs.get(tenant) ?? 0, sealedOf: () => this.#sealed };
    const host = new ActorHost({
      bus,
      clock: process.clock,
      random: process.random,
      turns: process.turns,
      log,
      meter: noMeter,
      definitions: [
        deploymentActor,
        stackActor,
        schedulerActor,
        nodeActor(outside),
        ingressActor({ ...outside, keys: noKeys }),
        hostNamesActor,
      ].map((definition: AnyActorDefinition) => this.#parts.definition(definition, number)),
      servedKinds: ["node"],
      remoteKinds: ["agent"],
    });
    const reads = new Map<Owner, ReadModel>(files.map((file) => [file.owner, file.reads]));
    const readsOf = (owner: Owner): ReadModel => reads.get(owner) as ReadModel;
    const life = { process, host, bus, readsOf, journals: files.map(({ journal }) => journal) };
    this.#life = life;
    for (const { owner, journal } of files) {
      const epoch = (await journal.claim(0)) + 1;
      await journal.claim(epoch);
      epochs.set(owner, epoch);
      trace.add(`control plane starts for ${owner}, epoch ${epoch}`);
      await host.addTenant({ tenant: owner, journal, epoch });
    }
    host.start();
    if (this.#life === life) this.#serving = life;
  }

  #attach(owner: Owner, process: SimProcess): { readonly owner: Owner; readonly reads: ReadModel; readonly journal: FaultyJournal } {
    const { journal: inner, reads } = attachMemoryTenant(this.#parts.stores[owner]);
    const journal = new FaultyJournal(this.#parts.loop, process, this.#parts.journal(inner, owner));
    journal.setFaults(this.#faults);
    return { owner, reads, journal };
  }
}
