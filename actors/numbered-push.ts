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
  | { readonly kind: "not-stored"; readonly message: string }
  /** Not taken before the agent has been given what these name. */
  | { readonly kind: "lacking"; readonly names: readonly string[] }
  /** It has what it lacked. */
  | { readonly kind: "kept" };

/** One kind of request, and how to speak of it. */
export interface PushKind {
  readonly parse: (answer: unknown) => PushAnswer;
  /** One sentence. */
  readonly tooLarge: string;
  /** Beginning of a sentence that the agent's own words end. */
  readonly notStored: string;
  /** One sentence: its answer is none that is known. */
  readonly notUnderstood: string;
  /** One sentence: what it lacks and was not given. Absent: it can lack nothing. */
  readonly lacking?: string;
}

/** What a push has besides its requests. */
export interface PushOptions<Request> {
  /** Called whenever the agent has said what it holds. */
  readonly answered?: () => void;
  /**
   * What tells a request to an agent that has taken `before`, or of which nobody knows: messages that are each small enough. The last is answered with what
   * became of the request, those before it with `kept`. Absent: the request itself.
   */
  readonly messages?: (request: Request, before: Request | undefined) => readonly unknown[];
  /** What the agent says it lacks for a request, in messages that are each small enough; nothing for a name that is of no use any more. */
  readonly supplements?: (names: readonly string[], request: Request) => readonly unknown[];
}

/** Gives an agent the newest of its numbered requests, one at a time, until the agent has it on its disk. */
export class NumberedPush<Request extends Numbered> {
  readonly #ports: { readonly bus: Bus; readonly clock: Clock };
  readonly #subject: string;
  readonly #kind: PushKind;
  readonly #options: PushOptions<Request>;
  #wanted: Request | undefined;
  #accepted: Numbered | undefined;
  /** The request that was accepted last, as long as the agent is known to have it. */
  #taken: Request | undefined;
  #inFlight = false;
  #retry: Timer | undefined;
  #stopped = false;
  #problem: string | undefined;

  constructor(ports: { readonly bus: Bus; readonly clock: Clock }, subject: string, kind: PushKind, options: PushOptions<Request> = {}) {
    this.#ports = ports;
    this.#subject = subject;
    this.#kind = kind;
    this.#options = options;
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
    if (this.#taken?.epoch !== epoch || this.#taken.number !== number) this.#taken = undefined;
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
      this.#options.answered?.();
      if (isAccepted) this.#offer();
      else this.#retry = this.#ports.clock.after(RETRY_MS, () => this.#offer());
    });
  }

  async #send(request: Request): Promise<boolean> {
    try {
      const answer = await this.#answerTo(request);
      this.#problem = this.#problemIn(answer);
      if (answer.kind !== "accepted" && answer.kind !== "stale") return false;
      this.#accepted = { epoch: answer.epoch, number: answer.number };
      this.#taken = answer.kind === "accepted" ? request : undefined;
      return answer.kind === "accepted";
    } catch (cause) {
      // Offered again after a pause, and whole: the node's silence is noticed elsewhere, anything else nowhere.
      this.#taken = undefined;
      if (!(cause instanceof BusFailure)) this.#problem = this.#kind.notUnderstood;
      else if (cause.reason === "too-large") this.#problem = this.#kind.tooLarge;
      return false;
    }
  }

  /** Gives what the agent lacks for it, and then the request again, unless that was the whole of it. */
  async #answerTo(request: Request): Promise<PushAnswer> {
    const answer = await this.#askAll(this.#messages(request));
    if (answer.kind !== "lacking") return answer;
    const given = await this.#askAll(this.#options.supplements?.(answer.names, request) ?? []);
    return given.kind === "kept" ? this.#askAll(this.#messages(request)) : given;
  }

  #messages(request: Request): readonly unknown[] {
    return this.#options.messages?.(request, this.#taken) ?? [request];
  }

  /** One after the other, as long as the agent keeps them. */
  async #askAll(payloads: readonly unknown[]): Promise<PushAnswer> {
    for (const payload of payloads) {
      const answer = await this.#ask(payload);
      if (answer.kind !== "kept") return answer;
    }
    return { kind: "kept" };
  }

  async #ask(payload: unknown): Promise<PushAnswer> {
    return this.#kind.parse(await this.#ports.bus.request(this.#subject, payload, { timeoutMs: ANSWER_TIMEOUT_MS }));
  }

  #problemIn(answer: PushAnswer): string | undefined {
    if (answer.kind === "not-stored") return `${this.#kind.notStored}: ${answer.message}`;
    return answer.kind === "lacking" ? this.#kind.lacking : undefined;
  }
}
