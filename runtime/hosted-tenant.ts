import { AskFailure, type ActorView, type AnyActorDefinition, type Reply } from "./actor.ts";
import { partsOf, type Address } from "./address.ts";
import { Cell, type CellSurroundings } from "./cell.ts";
import { DurableActor, type Inbound } from "./durable-actor.ts";
import type { Journal, Meta } from "./journal.ts";
import { Outbox } from "./outbox.ts";

/**
 * Actors without a single event that are kept in memory: anyone can address one by any name. Beyond the bound the idle ones that were
 * addressed first are ended; they come back when they are addressed again.
 */
export const PASTLESS_ACTORS_KEPT = 1_000;

export interface TenantSurroundings extends CellSurroundings {
  ask(to: Address, message: unknown, meta: Meta, options: { readonly timeoutMs: number }): Promise<Reply>;
  tell(to: Address, message: unknown, meta: Meta): void;
  fenced(epoch: number): void;
}

type StoredActor = DurableActor<unknown, unknown, { readonly type: string }>;

interface Hosted {
  readonly cell: Cell<Inbound>;
  readonly actor: StoredActor;
}

/** The actors of one tenant in this process. */
export class HostedTenant {
  readonly name: string;
  readonly #journal: Journal;
  readonly #epoch: number;
  readonly #definitions: ReadonlyMap<string, AnyActorDefinition>;
  readonly #around: TenantSurroundings;
  readonly #outbox: Outbox;
  readonly #hosted = new Map<Address, Hosted>();
  readonly #pastless = new Set<Address>();
  #stop: { readonly reason: "stopped" | "not-owner"; readonly done: Promise<void> } | undefined;

  constructor(
    { tenant, journal, epoch }: { readonly tenant: string; readonly journal: Journal; readonly epoch: number },
    definitions: ReadonlyMap<string, AnyActorDefinition>,
    around: TenantSurroundings,
  ) {
    this.name = tenant;
    this.#journal = journal;
    this.#epoch = epoch;
    this.#definitions = definitions;
    this.#around = around;
    this.#outbox = new Outbox({ ...around, tenant, journal });
  }

  /** Everything with a life of its own goes on with it: its timers, and the messages it still has to send. */
  async wakeAll(): Promise<void> {
    for (const address of await this.#journal.streams()) {
      if (this.#definitions.has(partsOf(address).kind)) this.#activate(address);
      else this.#around.log.warn("no definition for a stored actor; it sleeps", { actor: address });
    }
    this.#outbox.recheck();
  }

  async ask(to: Address, message: unknown, meta: Meta, timeoutMs: number): Promise<Reply> {
    if (this.#stop !== undefined) throw new AskFailure(this.#stop.reason, to);
    return (await this.#activate(to).cell.ask({ kind: "message", message, meta }, timeoutMs)) as Reply;
  }

  async recall(of: Address, commandId: string): Promise<Reply | undefined> {
    if (this.#stop !== undefined) throw new AskFailure(this.#stop.reason, of);
    try {
      const remembered = await this.#journal.recall(of, commandId);
      return remembered === undefined ? undefined : { kind: "ok", value: remembered.value };
    } catch (cause) {
      throw new AskFailure("crashed", of, cause);
    }
  }

  tell(to: Address, message: unknown, meta: Meta): void {
    if (this.#stop === undefined) this.#activate(to).cell.tell({ kind: "message", message, meta });
    else this.#around.deadLetters.record(to, this.#stop.reason, message);
  }

  soft(address: Address): unknown {
    return this.#hosted.get(address)?.actor.soft();
  }

  watch(address: Address, listener: () => void): { stop(): void } {
    const hosted = this.#hosted.get(address);
    if (hosted !== undefined) return hosted.cell.watch(listener);
    listener();
    return { stop: () => undefined };
  }

  actors(): readonly ActorView[] {
    return [...this.#hosted.values()].map(({ cell, actor }) => ({
      address: cell.address,
      phase: cell.phase.kind,
      depth: cell.depth,
      restarts: cell.restarts,
      version: actor.version,
      ...(cell.phase.kind === "quarantined" ? { failure: wordsOf(cell.phase.error) } : {}),
    }));
  }

  resume(address: Address, poison: "retry" | "drop"): boolean {
    const cell = this.#hosted.get(address)?.cell;
    if (cell?.phase.kind !== "quarantined") return false;
    cell.resume(poison);
    return true;
  }

  /** Answers what has been decided, then ends every actor. */
  stop(reason: "stopped" | "not-owner"): Promise<void> {
    this.#stop ??= { reason, done: this.#end(reason) };
    return this.#stop.done;
  }

  async #end(reason: "stopped" | "not-owner"): Promise<void> {
    await Promise.all([...this.#hosted.values()].map(({ cell }) => cell.stop(reason)));
    await this.#outbox.stop();
  }

  #activate(address: Address): Hosted {
    const known = this.#hosted.get(address);
    if (known !== undefined) return known;
    const definition = this.#definitions.get(partsOf(address).kind);
    if (definition === undefined) throw new AskFailure("unknown-kind", address);
    let actor: StoredActor | undefined;
    const cell = new Cell<Inbound>(address, this.#around, (control) => {
      actor = new DurableActor<unknown, unknown, { readonly type: string }>(address, definition, this.#durable(), control);
      return actor;
    });
    if (actor === undefined) throw new Error(`${address} has no behaviour`);
    const hosted = { cell, actor };
    this.#hosted.set(address, hosted);
    this.#pastless.add(address);
    if (this.#pastless.size > PASTLESS_ACTORS_KEPT) this.#endPastless();
    return hosted;
  }

  #endPastless(): void {
    for (const address of this.#pastless) {
      const hosted = this.#hosted.get(address);
      if (hosted === undefined || hosted.actor.version > 0) this.#pastless.delete(address);
      else if (hosted.cell.isIdle) {
        this.#pastless.delete(address);
        this.#hosted.delete(address);
        void hosted.cell.stop();
      }
      if (this.#pastless.size <= PASTLESS_ACTORS_KEPT) return;
    }
  }

  #durable(): ConstructorParameters<typeof DurableActor>[2] {
    return {
      ...this.#around,
      journal: this.#journal,
      epoch: this.#epoch,
      send: (messages) => this.#outbox.send(messages),
      recheckOutbox: () => this.#outbox.recheck(),
    };
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
