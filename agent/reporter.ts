import type { IngressStatus } from "../actors/ingress/contract.ts";
import type { AgentMessage, NodeFacts, PlacementStatus } from "../actors/node/contract.ts";
import type { Clock, Random, Timer } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Agent } from "./agent.ts";
import { statusOf } from "./agent-state.ts";
import { repeatDelayMs } from "./back-off.ts";
import type { ControlPlaneLink } from "./control-plane-link.ts";

/** Characters of statuses in one message: with their worst encoding still below the bus' largest message. */
const MAX_MESSAGE_CHARS = 250_000;
/** Between attempts to reach the control plane. */
const LONGEST_RETRY_MS = 2_000;

export interface ReporterParts {
  readonly agent: Agent;
  readonly link: ControlPlaneLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly session: string;
  facts(): NodeFacts;
  ingress(): IngressStatus;
}

/** Carries statuses to the control plane: everything after each (re)connection, what changed in between; one message at a time, repeated until it is answered. */
export class Reporter {
  readonly #parts: ReporterParts;
  readonly #dirty = new Set<string>();
  #begun = false;
  #helloIsDue = true;
  #ingressIsDue = true;
  #sending = false;
  #failures = 0;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  /** Says hello, and everything that changes from then on. */
  begin(): void {
    this.#begun = true;
    this.#sendSoon(0);
  }

  /** Changes of one turn travel together. */
  changed(placementId: string): void {
    this.#dirty.add(placementId);
    this.#sendSoon(0);
  }

  /** What the proxy does has changed, or is to be told again: nobody asks for what was lost of it. */
  ingressChanged(): void {
    this.#ingressIsDue = true;
    this.#sendSoon(0);
  }

  /** The control plane may know nothing of us any more, or something wrong. */
  resync(): void {
    this.#helloIsDue = true;
    this.#sendSoon(0);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #sendSoon(delayMs: number): void {
    if (!this.#begun || this.#stopped || this.#sending || this.#timer !== undefined) return;
    this.#timer = this.#parts.clock.after(delayMs, () => {
      this.#timer = undefined;
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    this.#sending = true;
    try {
      while (!this.#stopped && (this.#helloIsDue || this.#dirty.size > 0 || this.#ingressIsDue)) {
        if (!(await this.#sendOne())) break;
      }
    } finally {
      this.#sending = false;
    }
    if (this.#helloIsDue) this.#sendSoon(repeatDelayMs(this.#failures, LONGEST_RETRY_MS, this.#parts.random.next()));
  }

  async #sendOne(): Promise<boolean> {
    const isHello = this.#helloIsDue;
    const answer = await this.#parts.link.ask(isHello ? this.#hello() : this.#ingressIsDue ? this.#ingress() : this.#status());
    if (answer.kind === "unreachable") {
      if (this.#failures === 0) this.#parts.log.info("the control plane does not answer; working on", { reason: answer.reason });
      this.#failures += 1;
      this.#helloIsDue = true;
      return false;
    }
    // A hello that is answered so was not understood: it is repeated, but not at once.
    this.#failures = isHello && answer.welcome.resync ? this.#failures + 1 : 0;
    if (answer.welcome.resync) this.#helloIsDue = true;
    return this.#failures === 0;
  }

  /** What does not fit goes without its log lines, and follows in messages of its own. */
  #hello(): AgentMessage {
    this.#helloIsDue = false;
    this.#ingressIsDue = true;
    this.#dirty.clear();
    const { agent, session } = this.#parts;
    let chars = 0;
    const statuses = agent.records().map((record) => {
      const status = statusOf(record);
      chars += JSON.stringify(status).length;
      if (chars < MAX_MESSAGE_CHARS) return status;
      this.#dirty.add(record.placementId);
      return { ...withoutLines(status), sequence: Math.max(1, status.sequence - 1) };
    });
    const { epoch, number } = agent.assigned;
    return { kind: "agent.hello", session, facts: this.#parts.facts(), epoch, assignment: number, statuses, engine: agent.engine };
  }

  /** Before statuses: a replica is stopped only once it is known to be out of the pools. */
  #ingress(): AgentMessage {
    this.#ingressIsDue = false;
    return { kind: "agent.ingress", session: this.#parts.session, status: this.#parts.ingress() };
  }

  #status(): AgentMessage {
    const { agent, session } = this.#parts;
    const statuses: PlacementStatus[] = [];
    let chars = 0;
    for (const placementId of this.#dirty) {
      if (chars > MAX_MESSAGE_CHARS) break;
      this.#dirty.delete(placementId);
      const record = agent.record(placementId);
      if (record === undefined) continue;
      const status = statusOf(record);
      chars += JSON.stringify(status).length;
      statuses.push(status);
    }
    return { kind: "agent.status", session, statuses };
  }
}

function withoutLines(status: PlacementStatus): PlacementStatus {
  return status.lastExit === undefined ? status : { ...status, lastExit: { ...status.lastExit, lastLines: [] } };
}
