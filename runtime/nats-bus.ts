import {
  connect,
  headers,
  type ConnectionOptions,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Subscription as NatsSubscription,
} from "nats";
import { BusFailure, type Bus, type RequestOptions, type Subscription } from "./bus.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import { failureOf, reasonOfAnswer, REASON_HEADER } from "./nats-failure.ts";
import { decodePayload, encodePayload } from "./payload.ts";

/** Two unanswered pings, and the connection counts as lost. */
const PING_INTERVAL_MS = 5_000;
const PINGS_UNANSWERED = 2;
const CONNECT_TIMEOUT_MS = 5_000;
/** Between attempts to reach the broker, plus jitter, for as long as it takes. */
const RECONNECT_DELAY_MS = 250;
const RECONNECT_JITTER_MS = 250;

/** Who we are to a broker that does not know us by our certificate. */
export type BusLogin = Pick<ConnectionOptions, "user" | "pass" | "token" | "authenticator">;

const LONGEST_INTERVAL_MS = 2 ** 31 - 1;

export interface NatsBusOptions {
  /** One address, or several separated by commas. Without secrets. */
  readonly url: string;
  readonly login?: BusLogin;
  /** PEM texts, or files of them: files are read again at every connection, so that a renewed certificate is taken up. */
  readonly tls?:
    | { readonly ca: string; readonly cert: string; readonly key: string }
    | { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
  /** One per process, so that nobody sees another's answers: `_INBOX_n1`. */
  readonly inboxPrefix: string;
  /** How the broker lists the connection. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** After the first connection and after each one that follows a loss. */
  readonly onConnected?: (server: { readonly version: string }) => void;
}

interface Listener {
  readonly subject: string;
  readonly receive: (message: Msg) => void;
  subscription: NatsSubscription | undefined;
}

/** The bus over NATS. Usable at once: while the broker is away requests fail with `disconnected`, and it keeps trying to reach it. */
export class NatsBus implements Bus {
  readonly #options: NatsBusOptions;
  readonly #listeners = new Set<Listener>();
  readonly #open = new Set<(failure: BusFailure) => void>();
  #connection: NatsConnection | undefined;
  #phase: "connecting" | "connected" | "lost" | "closed" = "connecting";
  #sinceMs: number;
  /** An open bus keeps its process alive, also while the broker is away and no socket does. */
  readonly #life = setInterval(() => undefined, LONGEST_INTERVAL_MS);

  constructor(options: NatsBusOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.nowMs();
    void this.#connect();
  }

  async request(subject: string, payload: unknown, { timeoutMs, signal }: RequestOptions): Promise<unknown> {
    const text = encodePayload(subject, payload);
    if (this.#phase === "closed") throw new BusFailure("closed", subject);
    const connection = this.#connection;
    if (connection === undefined || this.#phase !== "connected") throw new BusFailure("disconnected", subject);
    if (signal?.aborted === true) throw new BusFailure("timeout", subject, signal.reason);
    const answer = await this.#orFailure(subject, signal, connection.request(subject, text, { timeout: Math.max(1, timeoutMs) }));
    const reason = reasonOfAnswer(answer);
    if (reason !== undefined) throw new BusFailure(reason, subject, answer.string());
    return decodePayload(answer.string());
  }

  publish(subject: string, payload: unknown): void {
    const text = encodePayload(subject, payload);
    if (this.#phase === "connected") this.#connection?.publish(subject, text);
  }

  serve(subject: string, handler: (payload: unknown, subject: string) => Promise<unknown>): Subscription {
    return this.#listen(subject, (message) => void this.#answer(message, handler));
  }

  subscribe(subject: string, listener: (payload: unknown, subject: string) => void): Subscription {
    return this.#listen(subject, (message) => {
      try {
        listener(decodePayload(message.string()), message.subject);
      } catch (error) {
        this.#options.log.error("message dropped: its listener failed", { subject: message.subject, error });
      }
    });
  }

  status(): { readonly kind: "connected" | "disconnected"; readonly sinceMs: number } {
    return { kind: this.#phase === "connected" ? "connected" : "disconnected", sinceMs: this.#sinceMs };
  }

  async close(): Promise<void> {
    if (this.#phase === "closed") return;
    this.#move("closed");
    clearInterval(this.#life);
    this.#failOpen("closed");
    const connection = this.#connection;
    // What was published before the end still leaves.
    if (connection !== undefined && !connection.isClosed()) await connection.drain().catch(() => connection.close());
  }

  async #connect(): Promise<void> {
    const { url, login, tls, inboxPrefix, name, clock, log } = this.#options;
    try {
      const connection = await connect({
        servers: url.split(","),
        ...login,
        ...(tls === undefined ? {} : { tls: { ...tls } }),
        inboxPrefix,
        name,
        timeout: CONNECT_TIMEOUT_MS,
        pingInterval: PING_INTERVAL_MS,
        maxPingOut: PINGS_UNANSWERED,
        maxReconnectAttempts: -1,
        reconnectTimeWait: RECONNECT_DELAY_MS,
        reconnectJitter: RECONNECT_JITTER_MS,
        reconnectJitterTLS: RECONNECT_JITTER_MS,
        ignoreAuthErrorAbort: true,
        noAsyncTraces: true,
      });
      if (this.#isClosed()) return await connection.close();
      this.#connection = connection;
      for (const listener of this.#listeners) this.#subscribe(listener, connection);
      this.#connected(connection);
      void this.#follow(connection);
      const ended = await connection.closed();
      log.warn("connection to the broker ended; making a new one", { url, error: ended });
    } catch (error) {
      log.warn("broker cannot be reached; trying again", { url, error });
    }
    if (this.#isClosed()) return;
    this.#lost();
    clock.after(RECONNECT_DELAY_MS, () => void this.#connect());
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (this.#isClosed()) return;
      if (status.type === "disconnect") this.#lost();
      else if (status.type === "reconnect") this.#connected(connection);
      else if (status.type === "error") this.#options.log.warn("broker reports an error", { error: status.error });
    }
  }

  #connected(connection: NatsConnection): void {
    this.#move("connected");
    this.#options.onConnected?.({ version: connection.info?.version ?? "unknown" });
  }

  #lost(): void {
    if (this.#phase === "connected") this.#move("lost");
    this.#failOpen("disconnected");
  }

  #move(phase: "connected" | "lost" | "closed"): void {
    this.#phase = phase;
    this.#sinceMs = this.#options.clock.nowMs();
  }

  #isClosed(): boolean {
    return this.#phase === "closed";
  }

  #failOpen(reason: "disconnected" | "closed"): void {
    for (const fail of this.#open) fail(new BusFailure(reason, this.#options.name));
  }

  /** Ends with the answer, or as soon as the connection or the caller goes away. */
  #orFailure(subject: string, signal: AbortSignal | undefined, answer: Promise<Msg>): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const close = (): void => {
        this.#open.delete(fail);
        signal?.removeEventListener("abort", aborted);
      };
      const fail = (failure: BusFailure): void => {
        close();
        reject(failure);
      };
      const aborted = (): void => fail(new BusFailure("timeout", subject, signal?.reason));
      signal?.addEventListener("abort", aborted);
      this.#open.add(fail);
      answer.then(
        (message) => {
          close();
          resolve(message);
        },
        (error: unknown) => fail(failureOf(error, subject)),
      );
    });
  }

  async #answer(message: Msg, handler: (payload: unknown, subject: string) => Promise<unknown>): Promise<void> {
    try {
      const text = encodePayload(message.subject, await handler(decodePayload(message.string()), message.subject));
      this.#respond(message, text);
    } catch (error) {
      this.#options.log.error("request not answered: its handler failed", { subject: message.subject, error });
      const failed: MsgHdrs = headers();
      failed.set(REASON_HEADER, error instanceof BusFailure && error.reason === "too-large" ? "too-large" : "handler-failed");
      this.#respond(message, error instanceof Error ? error.message : String(error), failed);
    }
  }

  #respond(message: Msg, text: string, failed?: MsgHdrs): void {
    if (this.#phase === "connected") message.respond(text, failed === undefined ? {} : { headers: failed });
  }

  #listen(subject: string, receive: (message: Msg) => void): Subscription {
    if (this.#phase === "closed") throw new BusFailure("closed", subject);
    const listener: Listener = { subject, receive, subscription: undefined };
    this.#listeners.add(listener);
    if (this.#connection !== undefined && !this.#connection.isClosed()) this.#subscribe(listener, this.#connection);
    return {
      stop: () => {
        this.#listeners.delete(listener);
        listener.subscription?.unsubscribe();
      },
    };
  }

  #subscribe(listener: Listener, connection: NatsConnection): void {
    listener.subscription = connection.subscribe(listener.subject, {
      callback: (error, message) => {
        if (error === null) listener.receive(message);
        else this.#options.log.error("broker refused a subscription", { subject: listener.subject, error });
      },
    });
  }
}
