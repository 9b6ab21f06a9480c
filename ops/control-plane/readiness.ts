import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Bus } from "../../runtime/bus.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Meter } from "../../runtime/meter.ts";
import type { Readiness } from "../../web/api/probes.ts";

/** A page of the database: less may fit into a disk that is full. */
const PROBE_BYTES = 4_096;
/** Anybody may ask whether we are ready; so often at most the disk is asked, others get the last answer. */
const PROBE_EVERY_MS = 2_000;
/** A disk that takes longer is as good as none. */
const PROBE_TIMEOUT_MS = 2_000;
/** A commit that failed counts for so long, unless one succeeds before: nobody may ask for another one in a quiet hour. */
const FAILURE_COUNTS_MS = 30_000;

export interface ReadinessParts {
  /** The directory of the journals. */
  readonly directory: string;
  readonly bus: Pick<Bus, "status">;
  readonly clock: Clock;
}

/** Knows whether requests would be served: the journal can be written and nodes can be heard of. */
export class ReadinessWatch {
  readonly #parts: ReadinessParts;
  #commitFailedAtMs = Number.NEGATIVE_INFINITY;
  #probe: { readonly atMs: number; readonly finding: Promise<string | undefined> } | undefined;

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
  }

  /** The same meter, which also tells us how commits end. */
  watching(meter: Meter): Meter {
    return {
      ...meter,
      committed: (tenant, outcome, durationMs) => {
        if (outcome === "committed") this.#commitFailedAtMs = Number.NEGATIVE_INFINITY;
        else if (outcome === "failed" || outcome === "rejected") this.#commitFailedAtMs = this.#parts.clock.monotonicMs();
        meter.committed(tenant, outcome, durationMs);
      },
    };
  }

  async look(): Promise<Readiness> {
    const reasons = [this.#busReason(), await this.#journalReason()].filter((reason) => reason !== undefined);
    return reasons.length === 0 ? { kind: "ready" } : { kind: "not-ready", reasons };
  }

  #busReason(): string | undefined {
    const { kind, sinceMs } = this.#parts.bus.status();
    if (kind === "connected") return undefined;
    return `NATS has been out of reach since ${new Date(sinceMs).toISOString()}; nodes cannot be heard of.`;
  }

  async #journalReason(): Promise<string | undefined> {
    const { clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (this.#probe === undefined || nowMs - this.#probe.atMs >= PROBE_EVERY_MS)
      this.#probe = { atMs: nowMs, finding: this.#withinTimeout(this.#tryDisk()) };
    const finding = await this.#probe.finding;
    const hasFailed = clock.monotonicMs() - this.#commitFailedAtMs < FAILURE_COUNTS_MS;
    return finding ?? (hasFailed ? "The last decision could not be written to the journal: its answer said why." : undefined);
  }

  async #tryDisk(): Promise<string | undefined> {
    const { directory } = this.#parts;
    const path = join(directory, "writable.probe");
    try {
      const file = await open(path, "w", 0o600);
      try {
        await file.write(Buffer.alloc(PROBE_BYTES));
        await file.sync();
      } finally {
        await file.close();
      }
      await rm(path);
      return undefined;
    } catch (error) {
      return `The journal's directory ${directory} cannot be written (${error instanceof Error ? error.message : String(error)}).`;
    }
  }

  #withinTimeout(finding: Promise<string | undefined>): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(PROBE_TIMEOUT_MS, () =>
        resolve(`The disk of ${this.#parts.directory} has not answered for ${PROBE_TIMEOUT_MS / 1_000} s.`),
      );
      void finding.then((reason) => {
        timer.cancel();
        resolve(reason);
      });
    });
  }
}
