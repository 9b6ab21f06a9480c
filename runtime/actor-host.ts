import { AskFailure, type ActorView, type AnyActorDefinition, type Host, type Reply } from "./actor.ts";
import { addressOfSubject, partsOf, type Address } from "./address.ts";
import type { Bus, Subscription } from "./bus.ts";
import type { Clock, Random } from "./clock.ts";
import { DeadLetters } from "./dead-letters.ts";
import { HostedTenant } from "./hosted-tenant.ts";
import type { Journal, Meta } from "./journal.ts";
import type { Log } from "./log.ts";
import type { Meter } from "./meter.ts";
import { askOverBus, serveOverBus, tellOverBus } from "./remote.ts";
import type { TurnScheduler } from "./turns.ts";

/** What asks from other processes wait for their actor, at most; the asker's own timeout is usually shorter. */
export const REMOTE_ASK_TIMEOUT_MS = 30_000;

export interface ActorHostOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly turns: TurnScheduler;
  readonly log: Log;
  readonly meter: Meter;
  /** One per kind of actor that lives here. */
  readonly definitions: readonly AnyActorDefinition[];
  /** Kinds of which other processes may ask. */
  readonly servedKinds: readonly string[];
  /** Kinds that live in other processes and are asked over the bus. */
  readonly remoteKinds: readonly string[];
  /** A newer owner of the tenant exists; its actors here have been told to stop. */
  readonly onFenced?: (tenant: string, epoch: number) => void;
}

/** The actors of one process, and the way to those of others. */
export class ActorHost implements Host {
  readonly deadLetters: DeadLetters;
  readonly #options: ActorHostOptions;
  readonly #definitions: ReadonlyMap<string, AnyActorDefinition>;
  readonly #remoteKinds: ReadonlySet<string>;
  readonly #tenants = new Map<string, HostedTenant>();
  #subscriptions: readonly Subscription[] = [];

  constructor(options: ActorHostOptions) {
    this.#options = options;
    this.#definitions = new Map(options.definitions.map((definition) => [definition.decider.kind, definition]));
    this.#remoteKinds = new Set(options.remoteKinds);
    this.deadLetters = new DeadLetters(options.clock, options.meter);
  }

  /** Answers other processes from now on. Add the tenants first. */
  start(): void {
    this.#subscriptions = this.#options.servedKinds.flatMap((kind) => [this.#serve(`ody.*.${kind}`), this.#serve(`ody.*.${kind}.*`)]);
  }

  /** Wakes every actor of the tenant that has a past. The journal's epoch has been claimed by the caller, who also closes the journal, after `stop`. */
  async addTenant(options: { readonly tenant: string; readonly journal: Journal; readonly epoch: number }): Promise<void> {
    if (this.#tenants.has(options.tenant)) throw new Error(`tenant ${options.tenant} is here already`);
    const tenant = new HostedTenant(options, this.#definitions, {
      ...this.#options,
      deadLetters: this.deadLetters,
      ask: (to, message, meta, limits) => this.ask(to, message, meta, limits),
      tell: (to, message, meta) => this.tell(to, message, meta),
      fenced: (epoch) => this.#fenced(tenant, epoch),
    });
    this.#tenants.set(options.tenant, tenant);
    await tenant.wakeAll();
  }

  /** Stops the tenant's actors and forgets it; its files stay. */
  async removeTenant(tenant: string): Promise<void> {
    await this.#tenants.get(tenant)?.stop("stopped");
    this.#tenants.delete(tenant);
  }

  async ask(to: Address, message: unknown, meta: Meta, options: { readonly timeoutMs: number }): Promise<Reply> {
    if (this.#remoteKinds.has(partsOf(to).kind)) return askOverBus(this.#options.bus, to, message, meta, options);
    return this.#ownerOf(to).ask(to, message, meta, options.timeoutMs);
  }

  async recall(of: Address, commandId: string): Promise<Reply | undefined> {
    return this.#ownerOf(of).recall(of, commandId);
  }

  tell(to: Address, message: unknown, meta: Meta): void {
    const { tenant, kind } = partsOf(to);
    const hosted = this.#tenants.get(tenant);
    if (this.#remoteKinds.has(kind)) tellOverBus(this.#options.bus, to, message, meta);
    else if (!this.#definitions.has(kind)) this.deadLetters.record(to, "unknown-kind", message);
    else if (hosted === undefined) this.deadLetters.record(to, "not-owner", message);
    else hosted.tell(to, message, meta);
  }

  soft(address: Address): unknown {
    return this.#tenants.get(partsOf(address).tenant)?.soft(address);
  }

  /** Calls back once when the actor stops; at once when it is not active here. */
  watch(address: Address, listener: () => void): { stop(): void } {
    const hosted = this.#tenants.get(partsOf(address).tenant);
    if (hosted !== undefined) return hosted.watch(address, listener);
    listener();
    return { stop: () => undefined };
  }

  actors(): readonly ActorView[] {
    return [...this.#tenants.values()].flatMap((tenant) => tenant.actors());
  }

  /** By hand, out of quarantine. False when it is not in quarantine here. */
  resume(address: Address, poison: "retry" | "drop"): boolean {
    return this.#tenants.get(partsOf(address).tenant)?.resume(address, poison) ?? false;
  }

  /** In order: nobody new is let in, what has been decided is written and answered, then everything ends. */
  async stop(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.stop();
    this.#subscriptions = [];
    await Promise.all([...this.#tenants.values()].map((tenant) => tenant.stop("stopped")));
    this.#tenants.clear();
    this.#options.turns.close();
  }

  #ownerOf(address: Address): HostedTenant {
    const { tenant, kind } = partsOf(address);
    if (!this.#definitions.has(kind)) throw new AskFailure("unknown-kind", address);
    const hosted = this.#tenants.get(tenant);
    if (hosted === undefined) throw new AskFailure("not-owner", address);
    return hosted;
  }

  #serve(subject: string): Subscription {
    return serveOverBus(this.#options.bus, subject, (message, meta, subject) => {
      const to = addressOfSubject(subject);
      if (to === undefined) return Promise.reject(new Error(`no address: ${subject}`));
      return this.ask(to, message, meta, { timeoutMs: REMOTE_ASK_TIMEOUT_MS });
    });
  }

  #fenced(tenant: HostedTenant, epoch: number): void {
    if (this.#tenants.get(tenant.name) !== tenant) return;
    this.#options.log.error("another process owns this tenant now; its actors stop here", { tenant: tenant.name, epoch });
    this.#tenants.delete(tenant.name);
    void tenant.stop("not-owner").then(() => this.#options.onFenced?.(tenant.name, epoch));
  }
}
