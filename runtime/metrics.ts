import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { ActorHost } from "./actor-host.ts";
import { partsOf } from "./address.ts";
import type { Meter } from "./meter.ts";

const TURN_BUCKETS_SECONDS = [0.0001, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.05, 0.2];
const COMMIT_BUCKETS_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2];

/** What the runtime counts, for Prometheus. Labels are kinds and tenants, never single actors: their number has no bound. */
export function prometheusMeter(registry: Registry): Meter {
  const registers = [registry];
  const batches = new Histogram({
    name: "odysseus_actor_batch_seconds",
    help: "Time one actor held the event loop for a batch of messages",
    labelNames: ["kind"],
    buckets: TURN_BUCKETS_SECONDS,
    registers,
  });
  const messages = new Counter({ name: "odysseus_actor_messages_total", help: "Messages handled", labelNames: ["kind"], registers });
  const restarts = new Counter({
    name: "odysseus_actor_restarts_total",
    help: "Actors restarted after a failure",
    labelNames: ["kind"],
    registers,
  });
  const quarantines = new Counter({
    name: "odysseus_actor_quarantines_total",
    help: "Actors quarantined after failing again and again",
    labelNames: ["kind"],
    registers,
  });
  const deadLetters = new Counter({
    name: "odysseus_dead_letters_total",
    help: "Messages that nobody handled",
    labelNames: ["reason"],
    registers,
  });
  const commits = new Histogram({
    name: "odysseus_commit_seconds",
    help: "Time from a decision to its being written",
    labelNames: ["tenant", "outcome"],
    buckets: COMMIT_BUCKETS_SECONDS,
    registers,
  });
  const outboxWaiting = new Gauge({
    name: "odysseus_outbox_messages",
    help: "Messages not yet answered",
    labelNames: ["tenant"],
    registers,
  });
  const outboxAge = new Gauge({
    name: "odysseus_outbox_age_seconds",
    help: "How long the message answered or tried last had waited",
    labelNames: ["tenant"],
    registers,
  });
  return {
    batch: (kind, count, durationMs) => {
      batches.observe({ kind }, durationMs / 1_000);
      messages.inc({ kind }, count);
    },
    restarted: (kind) => restarts.inc({ kind }),
    quarantined: (kind) => quarantines.inc({ kind }),
    deadLetter: (reason) => deadLetters.inc({ reason }),
    committed: (tenant, outcome, durationMs) => commits.observe({ tenant, outcome }, durationMs / 1_000),
    outbox: (tenant, waiting, oldestAgeMs) => {
      outboxWaiting.set({ tenant }, waiting);
      outboxAge.set({ tenant }, oldestAgeMs / 1_000);
    },
  };
}

/** How many actors there are in which phase, and how many messages wait for them: looked up whenever Prometheus asks. */
export function observeActors(registry: Registry, host: Pick<ActorHost, "actors">): void {
  const byPhase = new Gauge({
    name: "odysseus_actors",
    help: "Active actors",
    labelNames: ["kind", "phase"],
    registers: [],
    collect() {
      this.reset();
      for (const { address, phase } of host.actors()) this.inc({ kind: partsOf(address).kind, phase });
    },
  });
  const waiting = new Gauge({
    name: "odysseus_mailbox_messages",
    help: "Messages that wait for their actor",
    labelNames: ["kind"],
    registers: [],
    collect() {
      this.reset();
      for (const { address, depth } of host.actors()) this.inc({ kind: partsOf(address).kind }, depth);
    },
  });
  registry.registerMetric(byPhase);
  registry.registerMetric(waiting);
}
