import type { ActorDefinition, Decider, Decision, DecideContext, Edge, Reply } from "./actor.ts";
import { partsOf, type Address } from "./address.ts";
import type { Behaviour, CellControl } from "./cell.ts";
import type { Clock, Random } from "./clock.ts";
import { CommandsUnderWay } from "./commands-under-way.ts";
import { commitOf } from "./commit-of.ts";
import { refusalOfFailure } from "./errors.ts";
import type { CommitResult, Journal, Meta, OutboxMessage } from "./journal.ts";
import type { Meter } from "./meter.ts";
import type { Asker } from "./open-asks.ts";
import type { InFlight, Outcome, Undecided, Version } from "./pipeline.ts";
import { loadState } from "./replay.ts";
import { WakeTimer } from "./wake-timer.ts";

/** Decisions of one actor that wait for the disk. At the bound it takes no more messages until half of them are answered. */
export const IN_FLIGHT_LIMIT = 512;
/** A command is decided anew so often when the journal says that the state was not what we thought; then its asker gets `crashed`. */
export const DECISIONS_PER_COMMAND = 5;
/** What an actor sent itself is tried again after so long when the disk refused it. */
export const SELF_RETRY_MS = 1_000;

export type Inbound =
  | { readonly kind: "message"; readonly message: unknown; readonly meta: Meta }
  /** Of the actor itself, already in its decider's language. */
  | { readonly kind: "command"; readonly command: unknown; readonly meta: Meta };

export interface DurableSurroundings {
  readonly journal: Journal;
  readonly epoch: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: Meter;
  /** After the commit that wrote them. */
  send(messages: readonly OutboxMessage[]): void;
  /** Messages may have been written without our knowing: ask the journal. */
  recheckOutbox(): void;
  tell(to: Address, message: unknown, meta: Meta): void;
  /** A newer owner exists: stop acting for the tenant. */
  fenced(epoch: number): void;
}

/**
 * The shell around a decider. Messages are decided on the state that the decisions before them will make, and handed to the journal without
 * waiting; each is answered once it is written. When one is not written, all that were built on it are decided again on what is.
 */
export class DurableActor<State, Command, Event extends { readonly type: string }> implements Behaviour<Inbound> {
  readonly #address: Address;
  readonly #decider: Decider<State, Command, Event>;
  readonly #definition: ActorDefinition<State, Command, Event>;
  readonly #around: DurableSurroundings;
  readonly #control: CellControl<Inbound>;
  readonly #wake: WakeTimer;
  #edge: Edge<State, Command, Event> | undefined;
  #committed: Version<State>;
  #provisional: Version<State>;
  #inFlight: InFlight<State, Command, Event>[] = [];
  #settling: Promise<void> | undefined;
  readonly #underWay = new CommandsUnderWay();

  constructor(
    address: Address,
    definition: ActorDefinition<State, Command, Event>,
    around: DurableSurroundings,
    control: CellControl<Inbound>,
  ) {
    this.#address = address;
    this.#definition = definition;
    this.#decider = definition.decider;
    this.#around = around;
    this.#control = control;
    this.#committed = { state: this.#decider.initial(address), version: 0 };
    this.#provisional = this.#committed;
    this.#wake = new WakeTimer(
      around.clock,
      (afterMs) => this.#decider.wakeAtMs(this.#committed.state, afterMs),
      (dueAtMs) => this.#command(this.#decider.wake, `${address}/wake/${this.#committed.version}/${dueAtMs}`),
    );
  }

  async recover(): Promise<void> {
    await this.settled();
    this.#edge?.stopped?.();
    this.#edge = undefined;
    this.#wake.stop();
    await this.#load();
    const nextId = this.#idsOfActivation();
    this.#edge = this.#definition.edge({
      address: this.#address,
      command: (command, about) => this.#command(command, nextId(about)),
      tell: (to, message, about) => this.#around.tell(to, message, this.#selfMeta(nextId(about))),
    });
    this.#edge.committed?.(this.#committed.state, []);
    if (this.#committed.version > 0) this.#wake.wakeNow();
  }

  turn(inbound: Inbound, asker: Asker | undefined): void {
    const { meta } = inbound;
    if (inbound.kind === "command") {
      this.#begin({ question: { kind: "command", command: inbound.command as Command }, meta, sender: "self", attempt: 0 }, asker);
      return;
    }
    const intake = this.#openEdge.receive(inbound.message, this.#committed.state, meta);
    if (intake.kind === "answered") asker?.resolve(ok(intake.reply));
    else if (intake.kind === "answering") {
      intake.reply.then(
        (reply) => asker?.resolve(ok(reply)),
        (cause: unknown) => asker?.fail("crashed", cause),
      );
    } else {
      const question = intake.kind === "refused" ? { ...intake, message: inbound.message } : intake;
      this.#begin({ question, meta, sender: "other", attempt: 0 }, asker);
    }
  }

  settled(): Promise<void> | undefined {
    return this.#settling?.then(() => this.settled());
  }

  stopped(): void {
    this.#wake.stop();
    this.#edge?.stopped?.();
    this.#edge = undefined;
  }

  /** Soft state for reading; undefined before the first activation has finished. */
  soft(): unknown {
    return this.#edge?.soft?.();
  }

  /** For the inspector. */
  get version(): number {
    return this.#committed.version;
  }

  get #openEdge(): Edge<State, Command, Event> {
    if (this.#edge === undefined) throw new Error(`${this.#address} took a turn before it had recovered`);
    return this.#edge;
  }

  #begin(from: Undecided<Command>, asker: Asker | undefined): void {
    const { commandId } = from.meta;
    if (!this.#underWay.begin(commandId, asker)) return;
    try {
      this.#decide(from);
    } catch (error) {
      this.#underWay.fail(commandId, "crashed", error);
      throw error;
    }
  }

  #decide(from: Undecided<Command>): void {
    const before = this.#provisional;
    const context: DecideContext = { address: this.#address, nowMs: this.#around.clock.nowMs(), meta: from.meta };
    const decision = this.#decision(from, context, before.state);
    const events = decision.kind === "accept" ? decision.events : [];
    const state = events.reduce((state, event) => this.#decider.evolve(state, event, context.nowMs), before.state);
    const after = events.length === 0 ? before : { state, version: before.version + events.length };
    const { question } = from;
    const commit = commitOf({ decider: this.#decider, question, decision, context, epoch: this.#around.epoch, before, after });
    this.#provisional = after;
    if (commit === undefined && decision.kind === "accept" && this.#inFlight.length === 0) {
      this.#underWay.resolve(from.meta.commandId, ok(decision.reply ?? null));
      return;
    }
    const outcome = commit === undefined ? this.#recall(from, decision) : this.#commit(() => this.#around.journal.commit(commit));
    this.#inFlight.push({ from, decision, events, after, commit, outcome });
    if (this.#inFlight.length >= IN_FLIGHT_LIMIT) this.#control.hold();
    this.#settling ??= this.#settle();
  }

  #decision(from: Undecided<Command>, context: DecideContext, state: State): Decision<Event> {
    return from.question.kind === "refused"
      ? { kind: "refuse", refusal: from.question.refusal }
      : this.#decider.decide(state, from.question.command, context);
  }

  /** A refusal that is not written might be the repetition of a command that was accepted before, and must then be answered as it was. */
  async #recall({ meta }: Undecided<Command>, decision: Decision<Event>): Promise<Outcome> {
    const unwritten: Outcome = { kind: "committed", version: this.#provisional.version, offset: 0 };
    await this.#inFlight.at(-1)?.outcome;
    if (decision.kind === "accept") return unwritten;
    try {
      const remembered = await this.#around.journal.recall(this.#address, meta.commandId);
      return remembered === undefined ? unwritten : { kind: "duplicate", reply: remembered.value };
    } catch (cause) {
      return { kind: "rejected", cause };
    }
  }

  async #commit(write: () => Promise<CommitResult>): Promise<Outcome> {
    const { clock, meter } = this.#around;
    const startedMs = clock.monotonicMs();
    const outcome: Outcome = await write().catch((cause: unknown) => ({ kind: "rejected" as const, cause }));
    meter.committed(partsOf(this.#address).tenant, outcome.kind, clock.monotonicMs() - startedMs);
    return outcome;
  }

  /** Answers decisions in their order until none is left. */
  async #settle(): Promise<void> {
    try {
      for (let head = this.#inFlight[0]; head !== undefined; head = this.#inFlight[0]) {
        const outcome = await head.outcome;
        if (isAsDecided(outcome, head)) {
          this.#inFlight.shift();
          this.#answer(head, outcome);
          if (this.#inFlight.length * 2 < IN_FLIGHT_LIMIT) this.#control.release();
        } else {
          this.#control.hold();
          await this.#repair();
          this.#control.release();
        }
      }
    } catch (error) {
      await this.#abandon(error);
    } finally {
      this.#settling = undefined;
    }
  }

  /** The actor has failed. What is on its way may still be written: nobody is told so, but its messages are sent. */
  async #abandon(cause: unknown): Promise<void> {
    this.#control.fail(cause);
    const left = this.#inFlight.splice(0);
    for (const { from } of left) this.#underWay.fail(from.meta.commandId, "crashed", cause);
    await Promise.all(left.map(({ outcome }) => outcome));
    this.#around.recheckOutbox();
  }

  #answer(entry: InFlight<State, Command, Event>, outcome: Outcome): void {
    const { from, decision, commit, events } = entry;
    if (outcome.kind === "duplicate") {
      this.#underWay.resolve(from.meta.commandId, ok(outcome.reply));
      return;
    }
    this.#committed = entry.after;
    this.#underWay.resolve(from.meta.commandId, decision.kind === "accept" ? ok(decision.reply ?? null) : decision.refusal);
    if (commit === undefined || decision.kind === "refuse") return;
    this.#around.send(commit.outbox);
    this.#wake.arm();
    this.#openEdge.committed?.(this.#committed.state, events);
  }

  /** One decision was not written as it was made: those behind it were built on a state that is not. Ends with all of them answered or decided anew. */
  async #repair(): Promise<void> {
    const entries = this.#inFlight;
    const outcomes = await Promise.all(entries.map(({ outcome }) => outcome));
    this.#inFlight = [];
    try {
      // First, so that messages of what was written unseen leave before those of what came after it.
      if (outcomes.some(({ kind }) => kind === "rejected")) this.#around.recheckOutbox();
      const again = entries.filter((entry, index) => this.#close(entry, outcomes[index]) === "again");
      await this.#load();
      this.#edge?.committed?.(this.#committed.state, []);
      for (const { from } of again) this.#decideAgain(from === entries[0]?.from ? { ...from, attempt: from.attempt + 1 } : from);
    } catch (error) {
      for (const { from } of entries) this.#underWay.fail(from.meta.commandId, "crashed", error);
      throw error;
    }
  }

  #decideAgain(from: Undecided<Command>): void {
    if (from.attempt >= DECISIONS_PER_COMMAND) throw new Error(`${this.#address}: decided ${from.attempt} times and never written`);
    this.#decide(from);
  }

  #close(entry: InFlight<State, Command, Event>, outcome: Outcome | undefined): "closed" | "again" {
    const { from, commit } = entry;
    switch (outcome?.kind) {
      case undefined:
        return "again";
      case "committed":
        if (commit === undefined) return "again";
        this.#answer(entry, outcome);
        return "closed";
      case "duplicate":
        this.#underWay.resolve(from.meta.commandId, ok(outcome.reply));
        return "closed";
      case "conflict":
      case "rejected":
        return "again";
      case "fenced":
        this.#underWay.fail(from.meta.commandId, "not-owner");
        this.#around.fenced(outcome.epoch);
        return "closed";
      case "failed":
        this.#underWay.resolve(from.meta.commandId, refusalOfFailure(partsOf(this.#address).tenant, outcome));
        if (from.sender === "self" && from.question.kind === "command" && outcome.reason !== "closed")
          this.#retryLater(from.question.command, from.meta);
        return "closed";
    }
  }

  #retryLater(command: Command, meta: Meta): void {
    this.#around.clock.after(SELF_RETRY_MS, () => this.#control.tellFirst({ kind: "command", command, meta }));
  }

  async #load(): Promise<void> {
    this.#committed = await loadState(this.#decider, this.#address, this.#around.journal);
    this.#provisional = this.#committed;
    this.#wake.arm();
  }

  /** Not told apart by the time: two processes may begin within one millisecond, and clocks are set back. */
  #idsOfActivation(): (about: string) => string {
    const activation = this.#around.random.id();
    let count = 0;
    return (about) => `${this.#address}/${about}/${activation}/${count++}`;
  }

  #command(command: Command, commandId: string): void {
    this.#control.tellFirst({ kind: "command", command, meta: this.#selfMeta(commandId) });
  }

  #selfMeta(commandId: string): Meta {
    return { commandId, principal: { kind: "system", id: this.#address, role: "system" }, via: "system", correlationId: commandId };
  }
}

function ok(value: unknown): Reply {
  return { kind: "ok", value };
}

/** A repetition that changed nothing leaves the states of those behind it true. */
function isAsDecided<State, Command, Event>(outcome: Outcome, entry: InFlight<State, Command, Event>): boolean {
  return outcome.kind === "committed" || (outcome.kind === "duplicate" && entry.events.length === 0);
}
