import { BusFailure } from "../../runtime/bus.ts";
import type { Timer } from "../../runtime/clock.ts";
import type { NodePorts } from "./ports.ts";
import { AssignmentAnswer, type Assignment } from "./contract.ts";

const ANSWER_TIMEOUT_MS = 5_000;
/** Wait before the assignment is offered again. The agent's own heartbeat asks for it as well. */
const RETRY_MS = 1_000;
const TOO_LARGE =
  "its assignment is larger than one message may be, and cannot be delivered: use fewer replicas on it, or smaller environments";

/** Gives the agent the newest assignment, one request at a time, until the agent has it on its disk. */
export class AssignmentPush {
  readonly #ports: Pick<NodePorts, "bus" | "clock">;
  readonly #subject: string;
  #wanted: Assignment | undefined;
  #accepted: { readonly epoch: number; readonly number: number } | undefined;
  #inFlight = false;
  #retry: Timer | undefined;
  #stopped = false;
  #problem: string | undefined;

  constructor(ports: Pick<NodePorts, "bus" | "clock">, subject: string) {
    this.#ports = ports;
    this.#subject = subject;
  }

  get acceptedNumber(): number | undefined {
    return this.#accepted?.number;
  }

  /** Why the agent cannot take what it is given, in a sentence; undefined when it can, or when nobody knows yet. */
  get problem(): string | undefined {
    return this.#problem;
  }

  want(assignment: Assignment): void {
    this.#wanted = assignment;
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

  /** Nothing is offered before the agent has spoken: it says hello when it is there. */
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
      if (isAccepted) this.#offer();
      else this.#retry = this.#ports.clock.after(RETRY_MS, () => this.#offer());
    });
  }

  async #send(assignment: Assignment): Promise<boolean> {
    try {
      const answer = AssignmentAnswer.parse(await this.#ports.bus.request(this.#subject, assignment, { timeoutMs: ANSWER_TIMEOUT_MS }));
      this.#problem = answer.kind === "not-stored" ? `its agent cannot keep its assignment: ${answer.message}` : undefined;
      if (answer.kind === "not-stored") return false;
      this.#accepted = { epoch: answer.epoch, number: answer.number };
      return answer.kind === "accepted";
    } catch (cause) {
      // Unreachable or nonsense: offered again after a pause; the node's silence is noticed elsewhere. Too large is noticed nowhere else.
      if (cause instanceof BusFailure && cause.reason === "too-large") this.#problem = TOO_LARGE;
      return false;
    }
  }
}
