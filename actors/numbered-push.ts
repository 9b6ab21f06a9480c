import { BusFailure, type Bus } from "../runtime/bus.ts";
import type { Clock, Timer } from "../runtime/clock.ts";

const ANSWER_TIMEOUT_MS = 5_000;
/** Wait before a request is offered again. What the agent says of itself asks for it as well. */
const RETRY_MS = 1_000;

/** A request of which only the newest counts. */
export interface Numbered {
  readonly epoch: number;
  readonly number: number;
}

export type PushAnswer =
  | ({ readonly kind: "accepted" } & Numbered)
  /** The agent holds a newer one. */
  | ({ readonly kind: "stale" } & Numbered)
  | { readonly kind: "not-stored"; readonly message: string };

/** One kind of request, and how to speak of it. */
export interface PushKind {
  readonly parse: (answer: unknown) => PushAnswer;
  /** One sentence. */
  readonly tooLarge: string;
  /** Beginning of a sentence that the agent's own words end. */
  readonly notStored: string;
}

/** Gives an agent the newest of its numbered requests, one at a time, until the agent has it on its disk. */
export class NumberedPush<Request extends Numbered> {
  readonly #ports: { readonly bus: Bus; readonly clock: Clock };
  readonly #subject: string;
  readonly #kind: PushKind;
  readonly #answered: () => void;
  #wanted: Request | undefined;
  #accepted: Numbered | undefined;
  #inFlight = false;
  #retry: Timer | undefined;
  #stopped = false;
  #problem: string | undefined;

  /** `answered` is called whenever the agent has said what it holds. */
  constructor(
    ports: { readonly bus: Bus; readonly clock: Clock },
    subject: string,
    kind: PushKind,
    answered: () => void = () => undefined,
  ) {
    this.#ports = ports;
    this.#subject = subject;
    this.#kind = kind;
    this.#answered = answered;
  }

  /** The newest that the agent is known to hold. */
  get accepted(): Numbered | undefined {
    return this.#accepted;
  }

  /** Why the agent cannot take what it is given, in a sentence; undefined when it can, or when nobody knows yet. */
  get problem(): string | undefined {
    return this.#problem;
  }

  want(request: Request): void {
    this.#wanted = request;
    this.#offer();
  }

  /** What the agent says it holds. */
  agentIsAt(epoch: number, number: number): void {
    this.#accepted = { epoch, number };
    this.#offer();
  }

  stop(): void {
    this.#stopped = true;
    this.#retry?.cancel();
  }

  /** Nothing is offered before the agent has spoken: it says so when it is there. */
  #offer(): void {
    const wanted = this.#wanted;
    const held = this.#accepted;
    if (wanted === undefined || held === undefined || this.#inFlight || this.#stopped) return;
    if (held.epoch > wanted.epoch || (held.epoch === wanted.epoch && held.number >= wanted.number)) return;
    this.#retry?.cancel();
    this.#inFlight = true;
    void this.#send(wanted).then((isAccepted) => {
      this.#inFlight = false;
      if (this.#stopped) return;
      this.#answered();
      if (isAccepted) this.#offer();
      else this.#retry = this.#ports.clock.after(RETRY_MS, () => this.#offer());
    });
  }

  async #send(request: Request): Promise<boolean> {
    try {
      const answer = this.#kind.parse(await this.#ports.bus.request(this.#subject, request, { timeoutMs: ANSWER_TIMEOUT_MS }));
      this.#problem = answer.kind === "not-stored" ? `${this.#kind.notStored}: ${answer.message}` : undefined;
      if (answer.kind === "not-stored") return false;
      this.#accepted = { epoch: answer.epoch, number: answer.number };
      return answer.kind === "accepted";
    } catch (cause) {
      // Unreachable or nonsense: offered again after a pause; the node's silence is noticed elsewhere. Too large is noticed nowhere else.
      if (cause instanceof BusFailure && cause.reason === "too-large") this.#problem = this.#kind.tooLarge;
      return false;
    }
  }
}
