import { BusFailure, type Bus, type RequestOptions, type Subscription } from "./bus.ts";
import type { Clock } from "./clock.ts";
import { decodePayload, encodePayload } from "./payload.ts";
import { matchesSubject } from "./subjects.ts";

/** Takes a message from one connection to another: at once here, with faults in simulation. */
export interface Carrier {
  carry(from: string, to: string, deliver: () => void): void;
  /** Whether this connection reaches the broker now. */
  isConnected(connection: string): boolean;
}

const directly: Carrier = { carry: (_from, _to, deliver) => queueMicrotask(deliver), isConnected: () => true };

type Respond = (answer: { readonly text: string } | { readonly failure: BusFailure }) => void;

interface Listener {
  readonly pattern: string;
  readonly connection: string;
  receive(text: string, subject: string, respond: Respond | undefined): void;
}

/** The broker of a process of its own: what travels is copied as JSON, as over a network. */
export class MemoryBroker {
  readonly #clock: Clock;
  readonly #carrier: Carrier;
  readonly #listeners = new Set<Listener>();

  constructor(clock: Clock, carrier: Carrier = directly) {
    this.#clock = clock;
    this.#carrier = carrier;
  }

  /** One process's connection; its name is what a carrier knows it by. */
  connect(name: string): Bus {
    return new MemoryConnection(name, this.#clock, this.#carrier, this.#listeners);
  }
}

class MemoryConnection implements Bus {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #carrier: Carrier;
  readonly #listeners: Set<Listener>;
  readonly #open = new Set<(failure: BusFailure) => void>();
  readonly #sinceMs: number;
  #isClosed = false;

  constructor(name: string, clock: Clock, carrier: Carrier, listeners: Set<Listener>) {
    this.#name = name;
    this.#clock = clock;
    this.#carrier = carrier;
    this.#listeners = listeners;
    this.#sinceMs = clock.nowMs();
  }

  request(subject: string, payload: unknown, { timeoutMs, signal }: RequestOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const text = encodePayload(subject, payload);
      if (this.#isClosed) throw new BusFailure("closed", subject);
      if (!this.#carrier.isConnected(this.#name)) throw new BusFailure("disconnected", subject);
      const receivers = this.#receivers(subject);
      if (receivers.length === 0) throw new BusFailure("no-responder", subject);
      const fail = (failure: BusFailure): void => {
        close();
        reject(failure);
      };
      const aborted = (): void => fail(new BusFailure("timeout", subject, signal?.reason));
      const timer = this.#clock.after(timeoutMs, () => fail(new BusFailure("timeout", subject)));
      const close = (): void => {
        timer.cancel();
        this.#open.delete(fail);
        signal?.removeEventListener("abort", aborted);
      };
      signal?.addEventListener("abort", aborted);
      this.#open.add(fail);
      for (const receiver of receivers) {
        this.#send(receiver, text, subject, (answer) => {
          this.#carrier.carry(receiver.connection, this.#name, () => {
            close();
            if ("failure" in answer) reject(answer.failure);
            else resolve(decodePayload(answer.text));
          });
        });
      }
    });
  }

  publish(subject: string, payload: unknown): void {
    const text = encodePayload(subject, payload);
    if (this.#isClosed || !this.#carrier.isConnected(this.#name)) return;
    for (const receiver of this.#receivers(subject)) this.#send(receiver, text, subject, undefined);
  }

  serve(subject: string, handler: (payload: unknown, subject: string) => Promise<unknown>): Subscription {
    return this.#listen(subject, (text, subject, respond) => {
      const answer = async (): Promise<{ readonly text: string }> => ({
        text: encodePayload(subject, await handler(decodePayload(text), subject)),
      });
      answer().then(
        (answer) => respond?.(answer),
        (cause: unknown) => respond?.({ failure: cause instanceof BusFailure ? cause : new BusFailure("handler-failed", subject, cause) }),
      );
    });
  }

  subscribe(subject: string, listener: (payload: unknown, subject: string) => void): Subscription {
    return this.#listen(subject, (text, subject) => listener(decodePayload(text), subject));
  }

  status(): { readonly kind: "connected" | "disconnected"; readonly sinceMs: number } {
    return { kind: !this.#isClosed && this.#carrier.isConnected(this.#name) ? "connected" : "disconnected", sinceMs: this.#sinceMs };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const listener of this.#listeners) if (listener.connection === this.#name) this.#listeners.delete(listener);
    for (const fail of this.#open) fail(new BusFailure("closed", this.#name));
  }

  #receivers(subject: string): readonly Listener[] {
    return [...this.#listeners].filter(
      (listener) => this.#carrier.isConnected(listener.connection) && matchesSubject(listener.pattern, subject),
    );
  }

  #send(receiver: Listener, text: string, subject: string, respond: Respond | undefined): void {
    this.#carrier.carry(this.#name, receiver.connection, () => {
      if (this.#listeners.has(receiver)) receiver.receive(text, subject, respond);
    });
  }

  #listen(pattern: string, receive: Listener["receive"]): Subscription {
    if (this.#isClosed) throw new BusFailure("closed", pattern);
    const listener: Listener = { pattern, connection: this.#name, receive };
    this.#listeners.add(listener);
    return { stop: () => void this.#listeners.delete(listener) };
  }
}
