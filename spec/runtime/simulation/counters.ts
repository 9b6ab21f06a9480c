import * as fc from "fast-check";
import { AskFailure } from "../../../runtime/actor.ts";
import { ActorHost } from "../../../runtime/actor-host.ts";
import { addressOf, type Address } from "../../../runtime/address.ts";
import { silentLog } from "../../../runtime/log.ts";
import { MemoryBroker } from "../../../runtime/memory-bus.ts";
import { noMeter } from "../../../runtime/meter.ts";
import { FaultyJournal, SOUND_DISK, type CrashMoment, type DiskFault } from "../../../runtime/simulation/faulty-journal.ts";
import { FaultyNetwork } from "../../../runtime/simulation/faulty-network.ts";
import { SimLoop } from "../../../runtime/simulation/sim-loop.ts";
import { SimProcess } from "../../../runtime/simulation/sim-process.ts";
import { attachMemoryTenant, openMemoryTenant, type MemoryTenant } from "../../../storage/memory-tenant.ts";
import { counter } from "../support/counter.ts";
import { person } from "../support/host.ts";

/** What goes wrong in one run. */
export interface Trouble {
  readonly dropShare: number;
  readonly duplicateShare: number;
  readonly diskFault: DiskFault;
  readonly diskFaultShare: number;
  readonly crashes: readonly { readonly commits: number; readonly moment: CrashMoment }[];
}

export const trouble: fc.Arbitrary<Trouble> = fc.record({
  dropShare: fc.constantFrom(0, 0.1, 0.4),
  duplicateShare: fc.constantFrom(0, 0.3),
  diskFault: fc.constantFrom<DiskFault>("none", "disk-full", "read-only", "lost", "unconfirmed"),
  diskFaultShare: fc.constantFrom(0, 0.05, 0.3),
  crashes: fc.array(fc.record({ commits: fc.nat(20), moment: fc.constantFrom<CrashMoment>("before-commit", "after-commit") }), {
    maxLength: 3,
  }),
});

export const COMMANDS = 20;
const SENDERS = 3;
const TENANTS = ["left", "right"] as const;
type Side = (typeof TENANTS)[number];
const kindOf = (side: Side): string => `${side}-counter`;

/**
 * Two processes, each with a tenant's journal; people ask the counters on the left, which tell counters on the right over a faulty bus.
 * Either side crashes and comes back. People repeat what was not answered, under the same id.
 */
export class CounterWorld {
  readonly loop: SimLoop;
  readonly network: FaultyNetwork;
  readonly acknowledged = new Map<string, unknown>();
  readonly #broker: MemoryBroker;
  readonly #stores: Record<Side, MemoryTenant> = {
    left: openMemoryTenant({ tenant: "acme" }),
    right: openMemoryTenant({ tenant: "acme" }),
  };
  readonly #trouble: Trouble;
  readonly #lives: Record<Side, { host: ActorHost; process: SimProcess; journal: FaultyJournal; number: number } | undefined> = {
    left: undefined,
    right: undefined,
  };
  #isTroubled = true;

  constructor(seed: number, trouble: Trouble) {
    this.loop = new SimLoop(seed);
    this.network = new FaultyNetwork(this.loop);
    this.network.setFaults({
      dropShare: trouble.dropShare,
      duplicateShare: trouble.duplicateShare,
      shortestDelayMs: 0.1,
      longestDelayMs: 30,
    });
    this.#broker = new MemoryBroker(
      { nowMs: () => this.loop.wallMs, monotonicMs: () => this.loop.nowMs, after: (ms, call) => this.loop.after(ms, call) },
      this.network,
    );
    this.#trouble = trouble;
  }

  store(side: Side): MemoryTenant["store"] {
    return this.#stores[side].store;
  }

  async run(): Promise<void> {
    for (const side of TENANTS) void this.#start(side, 0);
    for (let index = 0; index < COMMANDS; index += 1) this.#send(index, 0);
    await this.loop.run(60_000);
    this.#isTroubled = false;
    this.network.healAll();
    for (const side of TENANTS) this.#lives[side]?.journal.setFaults(SOUND_DISK);
    await this.loop.runUntil(() => this.#isQuiet(), 600_000);
  }

  #isQuiet(): boolean {
    return this.acknowledged.size === COMMANDS && TENANTS.every((side) => this.store(side).pending(1).length === 0);
  }

  async #start(side: Side, number: number): Promise<void> {
    const process = new SimProcess(this.loop, `${side}-${number}`);
    const journal = new FaultyJournal(this.loop, process, attachMemoryTenant(this.store(side)).journal);
    const other = side === "left" ? "right" : "left";
    const { diskFault, diskFaultShare, crashes } = this.#trouble;
    if (this.#isTroubled) journal.setFaults({ share: diskFaultShare, fault: diskFault, longestWriteMs: 5 });
    const crash = this.#isTroubled ? crashes[number] : undefined;
    if (crash !== undefined) journal.crashAfter(crash.commits, crash.moment, () => this.#restart(side, number));
    const host = new ActorHost({
      bus: this.#broker.connect(process.name),
      clock: process.clock,
      random: process.random,
      turns: process.turns,
      log: silentLog,
      meter: noMeter,
      definitions: [counter(kindOf(side))],
      servedKinds: [kindOf(side)],
      remoteKinds: [kindOf(other)],
    });
    this.#lives[side] = { host, process, journal, number };
    const epoch = await journal.claim(number + 1);
    await host.addTenant({ tenant: "acme", journal, epoch });
    host.start();
  }

  #restart(side: Side, number: number): void {
    this.network.disconnect(`${side}-${number}`);
    this.loop.after(50 + this.loop.random.next() * 500, () => void this.#start(side, number + 1));
  }

  /** A person's command, repeated until it is answered. */
  #send(index: number, attempt: number): void {
    const delayMs = attempt === 0 ? this.loop.random.next() * 200 : this.loop.random.next() * 1_000;
    this.loop.after(delayMs, () => void this.#ask(index, attempt));
  }

  async #ask(index: number, attempt: number): Promise<void> {
    const from = addressOf("acme", kindOf("left"), `c${index % SENDERS}`);
    const commandId = `person-${index}`;
    const life = this.#lives.left;
    const patience = this.loop.after(3_000, () => this.#send(index, attempt + 1));
    try {
      const reply = await life?.host.ask(from, { kind: "add", amount: 1, tell: [receiver(index)] }, person(commandId), {
        timeoutMs: 2_000,
      });
      if (life?.process.isAlive === true && reply?.kind === "ok") {
        patience.cancel();
        this.acknowledged.set(commandId, reply.value);
      }
    } catch (error) {
      if (!(error instanceof AskFailure)) throw error;
    }
  }
}

export function receiver(index: number): Address {
  return addressOf("acme", kindOf("right"), `r${index % 2}`);
}

export function sender(index: number): Address {
  return addressOf("acme", kindOf("left"), `c${index % SENDERS}`);
}
