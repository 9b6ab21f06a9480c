import { AskFailure, type AskFailureReason } from "./actor.ts";
import { partsOf, type Address } from "./address.ts";
import type { Clock, Random, Timer } from "./clock.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { Log } from "./log.ts";
import { Mailbox } from "./mailbox.ts";
import type { Meter } from "./meter.ts";
import { OpenAsks, type Asker } from "./open-asks.ts";
import { Supervision } from "./supervision.ts";
import type { TurnLane, TurnScheduler } from "./turns.ts";

/** Messages waiting for one actor. Beyond it an ask fails with `mailbox-full` and a tell becomes a dead letter. */
export const MAILBOX_LIMIT = 10_000;
/** The lane in front of it, for what an actor sends itself. Beyond it: a dead letter. */
export const SYSTEM_LANE_LIMIT = 1_000;
/** A batch of turns ends at whichever comes first; then others get the loop. */
export const BATCH_MESSAGES = 64;
export const BATCH_MS = 4;

/** What runs inside a cell. A turn is synchronous; what it hands out it answers later, through the asker. */
export interface Behaviour<Message> {
  /** Before the first turn and again after every failure. Turns wait for it; a rejection is a failure. */
  recover(): Promise<void>;
  /** A throw is a failure: the message is parked as a dead letter, its asker gets `crashed`. */
  turn(message: Message, asker: Asker | undefined): void;
  /** Resolves once everything handed out has been answered; undefined when nothing is. */
  settled(): Promise<void> | undefined;
  stopped(): void;
}

/** What a behaviour may do with its cell. */
export interface CellControl<Message> {
  /** No turns until `release`; messages wait in the mailbox. */
  hold(): void;
  release(): void;
  /** A failure outside of a turn. */
  fail(error: unknown): void;
  /** Puts a message before all others. */
  tellFirst(message: Message): void;
}

export type CellPhase =
  | { readonly kind: "recovering" }
  | { readonly kind: "running" }
  | { readonly kind: "held" }
  | { readonly kind: "backing-off"; readonly delayMs: number }
  /** Mailbox kept. `poison` is what it failed on last, `error` how; both for a person to look at. */
  | { readonly kind: "quarantined"; readonly poison: unknown; readonly error: unknown }
  | { readonly kind: "stopping" }
  | { readonly kind: "stopped" };

export interface CellSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly turns: TurnScheduler;
  readonly deadLetters: DeadLetters;
  readonly meter: Meter;
  readonly log: Log;
}

interface Letter<Message> {
  readonly message: Message;
  readonly asker: Asker | undefined;
}

/** One actor's mailbox and life: takes messages in, gives its behaviour turns, and keeps a failure inside. */
export class Cell<Message> {
  readonly address: Address;
  readonly #kind: string;
  readonly #around: CellSurroundings;
  readonly #behaviour: Behaviour<Message>;
  readonly #lane: TurnLane;
  readonly #mailbox = new Mailbox<Letter<Message>>(MAILBOX_LIMIT);
  readonly #system = new Mailbox<Letter<Message>>(SYSTEM_LANE_LIMIT);
  readonly #asks: OpenAsks;
  readonly #supervision: Supervision;
  readonly #watchers = new Set<(reason: AskFailureReason) => void>();
  #phase: CellPhase = { kind: "recovering" };
  #isScheduled = false;
  #restart: Timer | undefined;
  #restarts = 0;
  #lives = 0;
  #stop: Promise<void> | undefined;

  constructor(address: Address, around: CellSurroundings, behaviour: (control: CellControl<Message>) => Behaviour<Message>) {
    this.address = address;
    this.#kind = partsOf(address).kind;
    this.#around = around;
    this.#asks = new OpenAsks(address, around.clock);
    this.#supervision = new Supervision(around.random);
    this.#lane = around.turns.open(address, () => this.#drain());
    this.#behaviour = behaviour({
      hold: () => this.#move("running", { kind: "held" }),
      release: () => this.#move("held", { kind: "running" }),
      fail: (error) => this.#failed(undefined, error),
      tellFirst: (message) => this.#take(this.#system, { message, asker: undefined }),
    });
    this.#recover();
  }

  get phase(): CellPhase {
    return this.#phase;
  }

  get depth(): number {
    return this.#mailbox.length + this.#system.length;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Nothing to do, and nothing that is being done. */
  get isIdle(): boolean {
    return this.#phase.kind === "running" && this.depth === 0 && this.#behaviour.settled() === undefined;
  }

  tell(message: Message): void {
    this.#take(this.#mailbox, { message, asker: undefined });
  }

  /** Resolves with what the behaviour answers. Rejects with `AskFailure`: at the latest after `timeoutMs`, and at once when the actor stops. */
  ask(message: Message, timeoutMs: number): Promise<unknown> {
    if (this.#phase.kind === "quarantined") return Promise.reject(new AskFailure("quarantined", this.address, this.#phase.error));
    return this.#asks.open(timeoutMs, (asker) => this.#take(this.#mailbox, { message, asker }));
  }

  /** Calls back once, when the actor has stopped; at once when it already has. */
  watch(listener: (reason: AskFailureReason) => void): { stop(): void } {
    if (this.#phase.kind === "stopped") listener("stopped");
    else this.#watchers.add(listener);
    return { stop: () => this.#watchers.delete(listener) };
  }

  /** By hand, out of quarantine: what it failed on is handled again first, or dropped. */
  resume(poison: "retry" | "drop"): void {
    if (this.#phase.kind !== "quarantined") return;
    const parked = this.#phase.poison as Letter<Message> | undefined;
    this.#supervision.pardon();
    if (poison === "retry" && parked !== undefined) this.#system.push({ message: parked.message, asker: undefined });
    this.#recover();
  }

  /** Takes no more turns, waits for what was handed out, then fails whoever still waits with `reason`. */
  stop(reason: "stopped" | "not-owner" = "stopped"): Promise<void> {
    this.#stop ??= this.#end(reason);
    return this.#stop;
  }

  #take(lane: Mailbox<Letter<Message>>, letter: Letter<Message>): void {
    if (this.#phase.kind === "stopping" || this.#phase.kind === "stopped") this.#return(letter, "stopped");
    else if (!lane.push(letter)) this.#return(letter, "mailbox-full");
    else this.#schedule();
  }

  #return(letter: Letter<Message>, reason: "stopped" | "not-owner" | "mailbox-full"): void {
    if (letter.asker === undefined) this.#around.deadLetters.record(this.address, reason, letter.message);
    else letter.asker.fail(reason);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#phase.kind !== "running") return;
    this.#isScheduled = true;
    this.#lane.wake();
  }

  #drain(): void {
    this.#isScheduled = false;
    const { clock, meter } = this.#around;
    const startedMs = clock.monotonicMs();
    let handled = 0;
    let elapsedMs = 0;
    while (this.#phase.kind === "running" && handled < BATCH_MESSAGES && elapsedMs < BATCH_MS) {
      const letter = this.#system.shift() ?? this.#mailbox.shift();
      if (letter === undefined) break;
      this.#handle(letter);
      handled += 1;
      elapsedMs = clock.monotonicMs() - startedMs;
    }
    if (handled > 0) meter.batch(this.#kind, handled, elapsedMs);
    if (this.depth > 0) this.#schedule();
  }

  #handle(letter: Letter<Message>): void {
    if (letter.asker?.isSettled === true) {
      this.#around.deadLetters.record(this.address, "expired", letter.message);
      return;
    }
    try {
      this.#behaviour.turn(letter.message, letter.asker);
    } catch (error) {
      this.#failed(letter, error);
    }
  }

  #recover(): void {
    this.#phase = { kind: "recovering" };
    this.#lives += 1;
    const life = this.#lives;
    this.#behaviour.recover().then(
      () => {
        // It may have failed meanwhile, and be on its way into a later life.
        if (life !== this.#lives) return;
        this.#supervision.started(this.#around.clock.monotonicMs());
        this.#move("recovering", { kind: "running" });
      },
      (error: unknown) => {
        if (life === this.#lives) this.#failed(undefined, error);
      },
    );
  }

  #move(from: CellPhase["kind"], to: CellPhase): void {
    if (this.#phase.kind !== from) return;
    this.#phase = to;
    if (this.depth > 0) this.#schedule();
  }

  #failed(letter: Letter<Message> | undefined, error: unknown): void {
    const { clock, deadLetters, log, meter } = this.#around;
    if (this.#phase.kind === "quarantined" || this.#phase.kind === "backing-off" || this.#stop !== undefined) return;
    log.error("actor failed", { actor: this.address, error });
    if (letter !== undefined) deadLetters.record(this.address, "crashed", letter.message, stackOf(error));
    letter?.asker?.fail("crashed", error);
    const verdict = this.#supervision.failed(clock.monotonicMs());
    if (verdict.kind === "quarantine") {
      this.#phase = { kind: "quarantined", poison: letter, error };
      meter.quarantined(this.#kind);
      log.error("actor quarantined: it fails again and again, and stays down until it is resumed", { actor: this.address, error });
      this.#failQueuedAsks("quarantined", error);
      return;
    }
    this.#phase = { kind: "backing-off", delayMs: verdict.delayMs };
    this.#restart = clock.after(verdict.delayMs, () => {
      this.#restarts += 1;
      meter.restarted(this.#kind);
      this.#recover();
    });
  }

  /** Their askers know that it did not happen; the rest of the mailbox is kept. */
  #failQueuedAsks(reason: AskFailureReason, cause: unknown): void {
    for (const letter of this.#mailbox.drain()) {
      if (letter.asker === undefined) this.#mailbox.push(letter);
      else letter.asker.fail(reason, cause);
    }
  }

  async #end(reason: "stopped" | "not-owner"): Promise<void> {
    this.#phase = { kind: "stopping" };
    this.#restart?.cancel();
    for (const letter of [...this.#system.drain(), ...this.#mailbox.drain()]) this.#return(letter, reason);
    const settling = this.#behaviour.settled();
    if (settling !== undefined) await settling;
    this.#phase = { kind: "stopped" };
    this.#asks.failAll(reason);
    this.#lane.close();
    this.#behaviour.stopped();
    for (const listener of this.#watchers) listener(reason);
    this.#watchers.clear();
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
