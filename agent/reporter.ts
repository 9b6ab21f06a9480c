import type { IngressStatus } from "../actors/ingress/contract.ts";
import type { AgentMessage } from "../actors/node/contract.ts";
import type { NodeFacts, PlacementStatus } from "../actors/node/observed-contract.ts";
import { MAX_MESSAGE_CHARS } from "../runtime/message-batches.ts";
import type { Clock, Random, Timer } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Agent } from "./agent.ts";
import { statusOf } from "./agent-state.ts";
import { repeatDelayMs } from "./back-off.ts";
import type { ControlPlaneLink } from "./control-plane-link.ts";

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
  /** By placement, the sequence of the status that was told last and answered. */
  readonly #told = new Map<string, number>();
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

  /** Of what was told and answered. What has changed since then is on its way, and nothing that the control plane could have lost. */
  digest(): { readonly count: number; readonly sequences: number } {
    let sequences = 0;
    for (const [placementId, sequence] of this.#told) {
      if (this.#parts.agent.record(placementId) === undefined) this.#told.delete(placementId);
      else sequences += sequence;
    }
    return { count: this.#told.size, sequences };
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
    const message = isHello ? this.#hello() : this.#ingressIsDue ? this.#ingress() : this.#status();
    const answer = await this.#parts.link.ask(message);
    if (answer.kind === "unreachable") {
      if (this.#failures === 0) this.#parts.log.info("the control plane does not answer; working on", { reason: answer.reason });
      this.#failures += 1;
      this.#helloIsDue = true;
      return false;
    }
    if (isHello) this.#told.clear();
    if ("statuses" in message) for (const { placementId, sequence } of message.statuses) this.#told.set(placementId, sequence);
    // A hello that is answered so was not understood: it is repeated, but not at once.
    this.#failures = isHello && answer.welcome.resync ? this.#failures + 1 : 0;
    if (answer.welcome.resync) this.#helloIsDue = true;
    return this.#failures === 0;
  }

  /** What does not fit follows in messages of its own. */
  #hello(): AgentMessage {
    this.#helloIsDue = false;
    this.#ingressIsDue = true;
    const { agent, session } = this.#parts;
    this.#dirty.clear();
    for (const { placementId } of agent.records()) this.#dirty.add(placementId);
    const { epoch, number } = agent.assigned;
    const statuses = this.#dirtyStatuses();
    return { kind: "agent.hello", session, facts: this.#parts.facts(), epoch, assignment: number, statuses, engine: agent.engine };
  }

  /** Before statuses: a replica is stopped only once it is known to be out of the pools. */
  #ingress(): AgentMessage {
    this.#ingressIsDue = false;
    return { kind: "agent.ingress", session: this.#parts.session, status: this.#parts.ingress() };
  }

  #status(): AgentMessage {
    return { kind: "agent.status", session: this.#parts.session, statuses: this.#dirtyStatuses() };
  }

  /** As many as one message holds. */
  #dirtyStatuses(): PlacementStatus[] {
    const statuses: PlacementStatus[] = [];
    let chars = 0;
    for (const placementId of this.#dirty) {
      const record = this.#parts.agent.record(placementId);
      const status = record === undefined ? undefined : statusOf(record);
      chars += status === undefined ? 0 : JSON.stringify(status).length;
      if (chars > MAX_MESSAGE_CHARS && statuses.length > 0) break;
      this.#dirty.delete(placementId);
      if (status !== undefined) statuses.push(status);
    }
    return statuses;
  }
}
