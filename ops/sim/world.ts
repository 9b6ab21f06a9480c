import { SimulatedRegistry } from "../../agent/engine/simulated-registry.ts";
import type { Engine } from "../../agent/engine/port.ts";
import type { Proxy } from "../../agent/ingress/proxy.ts";
import { INSTALLATION } from "../../actors/host-name/commands.ts";
import type { AnyActorDefinition } from "../../runtime/actor.ts";
import type { Journal } from "../../runtime/journal.ts";
import type { Log, LogFacts } from "../../runtime/log.ts";
import { MemoryBroker } from "../../runtime/memory-bus.ts";
import { FaultyNetwork } from "../../runtime/simulation/faulty-network.ts";
import { SimLoop } from "../../runtime/simulation/sim-loop.ts";
import { openMemoryTenant } from "../../storage/memory-tenant.ts";
import type { TenantStore } from "../../storage/tenant-store.ts";
import { HostNamesTruth } from "./checks/host-names.ts";
import { Rival } from "./rival.ts";
import { AssignmentOrder, checkStop } from "./checks/agents.ts";
import { checkCalmOutcome, checkCalmStack } from "./checks/calm-outcomes.ts";
import { CalmFloor } from "./checks/calm-floor.ts";
import { bookingChecks } from "./checks/bookings.ts";
import { decisionChecks } from "./checks/decisions.ts";
import { partitionChecks } from "./checks/partitions.ts";
import { PoolsLeft } from "./checks/pools.ts";
import { StackDecisions } from "./checks/stack-decisions.ts";
import { ForeignContainers } from "./foreign.ts";
import { LiveStates } from "./live-states.ts";
import { Person } from "./person.ts";
import { recordedJournal } from "./recorded-journal.ts";
import { Saboteur } from "./saboteur.ts";
import { SimControlPlane } from "./sim-control-plane.ts";
import { SimNode } from "./sim-node.ts";
import { RIVAL, TENANT, type Owner } from "./tenant.ts";
import { Trace } from "./trace.ts";
import { Truth } from "./truth.ts";
import { Violation } from "./violation.ts";

/** In calm whatever goes missing is our doing; what trouble broke is still being healed after it. */
export type Mood = "calm" | "trouble";

const FEWEST_NODES = 3;
const MOST_NODES = 5;

const EXPECTED_ERROR = /simulated|never written|another process owns this tenant/;

/** Parts of the platform put in place of the real ones, to prove that the checks notice. */
export interface Mutation {
  readonly definition?: (definition: AnyActorDefinition) => AnyActorDefinition;
  readonly journal?: (journal: Journal) => Journal;
  readonly engine?: (engine: Engine) => Engine;
  readonly proxy?: (proxy: Proxy) => Proxy;
}

export interface WorldOptions {
  readonly seed: number;
  readonly mutation?: Mutation;
  /** Hears every line of the trace. */
  readonly onLine?: (line: string) => void;
}

/** A control plane, its nodes, a person, another tenant's rival and a saboteur, all on one virtual clock and one seed. */
export class SimWorld {
  readonly loop: SimLoop;
  readonly trace: Trace;
  readonly stores: Readonly<Record<Owner, TenantStore>> = {
    [INSTALLATION]: storeOf(INSTALLATION),
    [TENANT]: storeOf(TENANT),
    [RIVAL]: storeOf(RIVAL),
  };
  readonly hostNames = new HostNamesTruth((check, message) => this.report(check, message));
  readonly rival: Rival;
  readonly truth = new Truth();
  readonly live = new LiveStates();
  readonly foreign = new ForeignContainers();
  readonly network: FaultyNetwork;
  readonly controlPlane: SimControlPlane;
  readonly nodes: readonly SimNode[];
  readonly person: Person;
  readonly saboteur: Saboteur;
  readonly floor: CalmFloor;
  mood: Mood = "calm";
  readonly order: AssignmentOrder;
  #violation: { readonly error: Violation; readonly lines: readonly string[] } | undefined;

  constructor({ seed, mutation = {}, onLine }: WorldOptions) {
    const loop = new SimLoop(seed);
    this.loop = loop;
    this.trace = new Trace(() => loop.nowMs, onLine);
    this.network = new FaultyNetwork(loop);
    const { trace, truth, network } = this;
    const report = (check: string, message: string): void => this.report(check, message);
    const broker = new MemoryBroker(
      { nowMs: () => loop.wallMs, monotonicMs: () => loop.nowMs, after: (ms, call) => loop.after(ms, call) },
      network,
    );
    const registry = new SimulatedRegistry();
    const log = this.#log();
    const left = new PoolsLeft(truth, report);
    const stopping = (node: SimNode, containerId: string): void => {
      checkStop(node, containerId, truth, report);
      left.stopping(node, containerId, this.nodes);
    };
    const { definition = same, journal = same, engine = same, proxy = same } = mutation;
    this.controlPlane = new SimControlPlane({
      loop,
      broker,
      stores: this.stores,
      trace,
      log,
      journal: (inner, owner) =>
        journal(
          recordedJournal(inner, trace, (commit) => {
            if (owner === TENANT) truth.written(commit);
            this.hostNames.written(commit);
          }),
        ),
      definition: (real, life) => this.live.observed(definition(real), life),
    });
    const count = FEWEST_NODES + Math.floor(loop.random.next() * (MOST_NODES - FEWEST_NODES + 1));
    this.nodes = Array.from(
      { length: count },
      (_, index) => new SimNode({ number: index + 1, loop, broker, registry, trace, log, engine, ingressProxy: proxy, stopping }),
    );
    this.person = new Person({ loop, controlPlane: this.controlPlane, trace, report });
    this.rival = new Rival({ loop, controlPlane: this.controlPlane, trace });
    this.saboteur = new Saboteur({ loop, network, registry, controlPlane: this.controlPlane, nodes: this.nodes, trace });
    this.floor = new CalmFloor(truth, this.nodes, report);
    this.order = new AssignmentOrder(this.nodes, report);
    truth.listen(bookingChecks(report));
    truth.listen(decisionChecks(report));
    truth.listen(partitionChecks(report));
    truth.listen(left);
    truth.listen(new StackDecisions(truth, (commandId) => this.person.wishOf(commandId), report));
    truth.listen({
      deployment: (step) => {
        if (this.mood === "calm") checkCalmOutcome(step, this.nodes, report);
      },
      stack: (step) => {
        if (this.mood === "calm") checkCalmStack(step, report);
      },
    });
  }

  get violation(): { readonly error: Violation; readonly lines: readonly string[] } | undefined {
    return this.#violation;
  }

  report(check: string, message: string): void {
    if (this.#violation !== undefined) return;
    this.trace.add(`VIOLATION ${check}: ${message}`);
    this.#violation = { error: new Violation(check, message), lines: this.trace.last };
  }

  close(): void {
    for (const store of Object.values(this.stores)) store.close();
  }

  /** An error in the log is a bug, unless the saboteur made it: a disk that never says what it wrote, a second owner. */
  #log(): Log {
    const error = (message: string, facts: LogFacts = {}): void => {
      const cause = facts["error"] instanceof Error ? facts["error"] : undefined;
      this.trace.add(`log: ${message} ${JSON.stringify(facts["actor"] ?? "")} ${cause?.message ?? ""}`);
      if (!EXPECTED_ERROR.test(`${message} ${cause?.message ?? ""}`))
        this.report("nothing fails inside", `${message}: ${cause?.stack ?? JSON.stringify(facts)}`);
    };
    const log: Log = { debug: nothing, info: nothing, warn: nothing, error, with: () => log };
    return log;
  }
}

function storeOf(tenant: Owner): TenantStore {
  return openMemoryTenant({ tenant }).store;
}

function same<Value>(value: Value): Value {
  return value;
}

function nothing(): void {}
