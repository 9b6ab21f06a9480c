/**
 * How messages leave a process: NATS in production, memory in tests, a faulty network in simulation. Payloads are JSON values and arrive as copies.
 * Nothing may rely on delivery: whoever needs it retries until the receiver's application answers.
 */
export interface Bus {
  /** Resolves with the receiver's answer. Rejects with `BusFailure`, and at the latest after `timeoutMs`. */
  request(subject: string, payload: unknown, options: RequestOptions): Promise<unknown>;
  /** At most once, no answer. */
  publish(subject: string, payload: unknown): void;
  /** Answers requests on a subject; `*` stands for one segment. A handler that throws answers with an error, which the asker sees as `BusFailure` "handler-failed". */
  serve(subject: string, handler: (payload: unknown, subject: string) => Promise<unknown>): Subscription;
  subscribe(subject: string, listener: (payload: unknown, subject: string) => void): Subscription;
  /** Whether the broker is reachable now, and since when that is so (wall clock, ms). */
  status(): { readonly kind: "connected" | "disconnected"; readonly sinceMs: number };
  close(): Promise<void>;
}

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface Subscription {
  stop(): void;
}

export type BusFailureReason = "no-responder" | "timeout" | "disconnected" | "closed" | "handler-failed" | "too-large";

export class BusFailure extends Error {
  readonly reason: BusFailureReason;
  constructor(reason: BusFailureReason, subject: string, cause?: unknown) {
    super(`${subject}: ${reason}`, { cause });
    this.name = "BusFailure";
    this.reason = reason;
  }
}
