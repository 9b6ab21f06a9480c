import { type AgentMessage, HEARTBEAT_INTERVAL_MS } from "../actors/node/contract.ts";
import type { ContainerSample, NodeSample } from "../actors/node/observed-contract.ts";
import type { IngressCounts } from "../actors/ingress/counts-contract.ts";
import type { Clock, Random, Timer } from "../runtime/clock.ts";
import type { Agent } from "./agent.ts";
import { compareAssignments } from "./assignment-order.ts";
import type { ControlPlaneLink } from "./control-plane-link.ts";
import type { ImageReport } from "./image-report.ts";
import type { Reporter } from "./reporter.ts";
import type { Sampler } from "./sampler.ts";

/** Either way, so that the heartbeats of many nodes do not fall together. */
const JITTER = 0.1;

export interface HeartbeatParts {
  readonly agent: Agent;
  readonly link: ControlPlaneLink;
  readonly reporter: Reporter;
  readonly sampler: Sampler;
  readonly images: ImageReport;
  /** Of the node's proxy; undefined: it has none. */
  readonly counts: () => Promise<IngressCounts | undefined>;
  readonly clock: Clock;
  readonly random: Random;
  readonly session: string;
}

/** Tells regularly that the agent lives, with the samples taken since the last time: measuring never delays a heartbeat. */
export class Heartbeat {
  readonly #parts: HeartbeatParts;
  #sample: NodeSample | undefined;
  #containers: readonly ContainerSample[] = [];
  #measuring = false;
  #counting = false;
  #wasBehind = false;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: HeartbeatParts) {
    this.#parts = parts;
    void this.#measure();
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    const delayMs = HEARTBEAT_INTERVAL_MS * (1 + JITTER * (2 * this.#parts.random.next() - 1));
    this.#timer = this.#parts.clock.after(delayMs, () => {
      this.#arm();
      void this.#beat();
      void this.#measure();
    });
  }

  async #beat(): Promise<void> {
    const { link, reporter, agent, images } = this.#parts;
    const answer = await link.ask(this.#message());
    if (this.#stopped) return;
    if (answer.kind === "answered") images.heard(answer.welcome);
    if (answer.kind === "unreachable" || answer.welcome.resync) return reporter.resync();
    reporter.ingressChanged();
    void this.#tellCounts();
    const { epoch, assignment } = answer.welcome;
    const isBehind = compareAssignments({ epoch, number: assignment }, agent.assigned) > 0;
    // The newer assignment is usually on its way; twice in a row it got lost.
    if (isBehind && this.#wasBehind) reporter.resync();
    this.#wasBehind = isBehind;
  }

  /** In a message of their own: they may be larger than a heartbeat should be. What is lost of them is told with the next ones. */
  async #tellCounts(): Promise<void> {
    if (this.#counting) return;
    this.#counting = true;
    try {
      const counts = await this.#parts.counts();
      if (counts === undefined || this.#stopped) return;
      await this.#parts.link.ask({ kind: "agent.ingress-counts", session: this.#parts.session, counts });
    } finally {
      this.#counting = false;
    }
  }

  #message(): AgentMessage {
    const { agent, reporter, session, images } = this.#parts;
    const { seen } = images;
    const containers = [...this.#containers];
    this.#containers = [];
    return {
      kind: "agent.heartbeat",
      session,
      epoch: agent.assigned.epoch,
      assignment: agent.assigned.number,
      engine: agent.engine,
      digest: reporter.digest(),
      ...(this.#sample === undefined ? {} : { sample: this.#sample }),
      containers,
      ...(seen === undefined ? {} : { images: seen }),
    };
  }

  async #measure(): Promise<void> {
    if (this.#measuring) return;
    this.#measuring = true;
    try {
      const [sample, containers] = await Promise.all([this.#parts.sampler.node(), this.#parts.sampler.containers()]);
      this.#sample = sample;
      this.#containers = containers;
    } finally {
      this.#measuring = false;
    }
  }
}
