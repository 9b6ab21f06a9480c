import { AskFailure, type Reply } from "./actor.ts";
import type { Address } from "./address.ts";
import type { Clock, Random } from "./clock.ts";
import { isStorageRefusal } from "./errors.ts";
import type { Journal, Meta, OutboxMessage } from "./journal.ts";
import type { Log } from "./log.ts";
import { Mailbox } from "./mailbox.ts";
import type { Meter } from "./meter.ts";
import { backoffMs } from "./supervision.ts";

/** Messages held in memory. At the bound new ones stay in the journal alone, and are read from it once half of these are answered. */
export const OUTBOX_LIMIT = 10_000;
/** Pairs of sender and receiver with a message under way; the other pairs wait for their turn. */
export const OUTBOX_PAIRS_UNDER_WAY = 256;
/** A receiver that has not answered after so long is tried again. */
export const DELIVERY_TIMEOUT_MS = 10_000;
export const DELIVERY_BACKOFF_BASE_MS = 50;
export const DELIVERY_BACKOFF_LIMIT_MS = 30_000;
/** Answers are struck off together, at most so much later. What is not struck off before a crash is sent again, which is harmless. */
export const ACKNOWLEDGE_DELAY_MS = 20;

export interface OutboxSurroundings {
  readonly tenant: string;
  readonly journal: Pick<Journal, "pending" | "acknowledge">;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: Meter;
  readonly log: Log;
  /** Rejects when the receiver's application has not answered. */
  ask(to: Address, message: unknown, meta: Meta, options: { readonly timeoutMs: number }): Promise<Reply>;
}

/** Messages of one sender for one receiver: one under way, the rest in their order. */
interface Pair {
  readonly waiting: Mailbox<{ readonly message: OutboxMessage; readonly sinceMs: number }>;
  attempt: number;
}

/** Sends what decisions have put into the journal, until each receiver's application has answered. */
export class Outbox {
  readonly #around: OutboxSurroundings;
  readonly #known = new Set<string>();
  readonly #pairs = new Map<string, Pair>();
  readonly #ready: Pair[] = [];
  #underWay = 0;
  #answered: string[] = [];
  #isStriking = false;
  #isStopped = false;
  /** The journal holds messages that memory does not. */
  #isBehind = false;
  #refill: Promise<void> | undefined;
  #writtenDuringRefill = 0;

  constructor(around: OutboxSurroundings) {
    this.#around = around;
  }

  /** After the commit that wrote them, in the order of the commits. */
  send(messages: readonly OutboxMessage[]): void {
    if (messages.length === 0 || this.#isStopped) return;
    if (this.#isBehind || this.#known.size + messages.length > OUTBOX_LIMIT) {
      this.#isBehind = true;
      this.#writtenDuringRefill += messages.length;
    } else for (const message of messages) this.#enqueue(message);
    this.#pump();
  }

  /** Reads what the journal holds: at the start, and when something may have been written without our knowing. */
  recheck(): void {
    this.#isBehind = true;
    this.#writtenDuringRefill += 1;
    this.#pump();
  }

  /** Sends no more. What is under way may still be answered and struck off before it resolves. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#ready.length = 0;
    await this.#refill;
    if (this.#answered.length > 0) await this.#strike();
  }

  #enqueue(message: OutboxMessage): void {
    if (this.#known.has(message.id)) return;
    this.#known.add(message.id);
    const key = `${message.from} ${message.to}`;
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      pair = { waiting: new Mailbox(OUTBOX_LIMIT), attempt: 0 };
      this.#pairs.set(key, pair);
      this.#ready.push(pair);
    }
    pair.waiting.push({ message, sinceMs: this.#around.clock.monotonicMs() });
  }

  #pump(): void {
    if (this.#isStopped) return;
    while (this.#underWay < OUTBOX_PAIRS_UNDER_WAY) {
      const pair = this.#ready.shift();
      if (pair === undefined) break;
      this.#underWay += 1;
      void this.#deliver(pair);
    }
    if (this.#isBehind && this.#known.size <= OUTBOX_LIMIT / 2) this.#refill ??= this.#readPending();
  }

  async #readPending(): Promise<void> {
    this.#writtenDuringRefill = 0;
    try {
      const pending = await this.#around.journal.pending(OUTBOX_LIMIT);
      for (const message of pending) this.#enqueue(message);
      this.#isBehind = pending.length >= OUTBOX_LIMIT || this.#writtenDuringRefill > 0;
    } catch (error) {
      this.#around.log.warn("outbox cannot be read; trying again", { tenant: this.#around.tenant, error });
      await new Promise<void>((resolve) => this.#around.clock.after(DELIVERY_BACKOFF_LIMIT_MS * this.#around.random.next(), resolve));
    } finally {
      this.#refill = undefined;
    }
    this.#pump();
  }

  async #deliver(pair: Pair): Promise<void> {
    const head = pair.waiting.peek();
    const isAnswered = head === undefined || (await this.#isAnswered(head.message));
    this.#underWay -= 1;
    if (head !== undefined && isAnswered) {
      pair.waiting.shift();
      pair.attempt = 0;
      this.#acknowledge(head.message);
    }
    this.#measure(head?.sinceMs);
    if (!isAnswered) this.#retry(pair);
    else if (pair.waiting.length > 0) this.#ready.push(pair);
    else this.#forget(pair, head?.message);
    this.#pump();
  }

  async #isAnswered({ id, from, to, message, correlationId }: OutboxMessage): Promise<boolean> {
    const meta: Meta = { commandId: id, principal: { kind: "system", id: from, role: "system" }, via: "system", correlationId };
    try {
      const reply = await this.#around.ask(to, message, meta, { timeoutMs: DELIVERY_TIMEOUT_MS });
      if (reply.kind === "ok") return true;
      if (isStorageRefusal(reply.code)) return false;
      this.#around.log.warn("message refused by its receiver", { actor: from, to, code: reply.code, correlationId });
      return true;
    } catch (error) {
      const facts = { actor: from, to, correlationId, error };
      if (error instanceof AskFailure) this.#around.log.debug("message not answered; it is sent again", facts);
      else this.#around.log.error("message not delivered; it is sent again", facts);
      return false;
    }
  }

  #retry(pair: Pair): void {
    const delayMs = backoffMs(pair.attempt, this.#around.random, DELIVERY_BACKOFF_BASE_MS, DELIVERY_BACKOFF_LIMIT_MS);
    pair.attempt += 1;
    this.#around.clock.after(delayMs, () => {
      if (this.#isStopped) return;
      this.#ready.push(pair);
      this.#pump();
    });
  }

  #forget(pair: Pair, last: OutboxMessage | undefined): void {
    const key = `${last?.from} ${last?.to}`;
    if (this.#pairs.get(key) === pair) this.#pairs.delete(key);
  }

  #acknowledge(message: OutboxMessage): void {
    this.#answered.push(message.id);
    if (!this.#isStriking) this.#strikeSoon();
  }

  async #strike(): Promise<void> {
    const ids = this.#answered;
    this.#answered = [];
    try {
      await this.#around.journal.acknowledge(ids);
      for (const id of ids) this.#known.delete(id);
    } catch (error) {
      this.#around.log.warn("answers cannot be struck off the outbox; trying again", { tenant: this.#around.tenant, error });
      this.#answered.push(...ids);
    }
    this.#isStriking = false;
    if (this.#isStopped) return;
    if (this.#answered.length > 0) this.#strikeSoon();
    this.#pump();
  }

  #strikeSoon(): void {
    this.#isStriking = true;
    this.#around.clock.after(ACKNOWLEDGE_DELAY_MS, () => void this.#strike());
  }

  #measure(sinceMs: number | undefined): void {
    const { clock, meter, tenant } = this.#around;
    meter.outbox(tenant, this.#known.size, sinceMs === undefined ? 0 : clock.monotonicMs() - sinceMs);
  }
}
