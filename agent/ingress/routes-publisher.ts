import { chmod, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { ROUTES_FILE } from "./static-configuration.ts";
import type { MarkerAnswer } from "./traefik-api.ts";

/** A configuration is in force 30 to 150 ms after it was written. */
const FIRST_LOOK_MS = 5;
const LONGEST_LOOK_MS = 250;
/**
 * The proxy switches its entry points one after the other, that of its API not last: 20 ms were too short on a busy machine. A request that was given to the
 * configuration before has a connection to its replica by then, which is counted.
 */
const SETTLE_MS = 150;
/** Said once for each configuration that is not in force by then. */
const LATE_MS = 10_000;
const REWRITE_AFTER_MS = 1_000;

export interface PublisherParts {
  /** Of this half alone; seen by its proxy, read-only. */
  readonly directory: string;
  readonly api: { marker(name: string): Promise<MarkerAnswer> };
  readonly clock: Clock;
  readonly log: Log;
  /** The configuration with this marker is what requests meet, or no process is there to serve an older one. */
  readonly inForce: (marker: string) => void;
}

interface Configuration {
  readonly marker: string;
  readonly text: string;
}

/** Gives one proxy its configuration, and learns when it is in force. The newest counts; what came in between is skipped. */
export class RoutesPublisher {
  readonly #parts: PublisherParts;
  #newest: Configuration | undefined;
  #running = false;
  #stopped = false;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  publish(configuration: Configuration): void {
    this.#newest = configuration;
    if (!this.#running && !this.#stopped) void this.#run();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      let done: Configuration | undefined;
      while (this.#newest !== undefined && this.#newest !== done && !this.#stopped) {
        const current = this.#newest;
        if (!(await this.#write(current))) {
          await this.#pause(REWRITE_AFTER_MS);
          continue;
        }
        await this.#follow(current);
        done = current;
      }
    } finally {
      this.#running = false;
    }
  }

  /** Replaced in one step: whoever reads sees the old one or the new one. It may hold private keys. */
  async #write({ text }: Configuration): Promise<boolean> {
    const { directory, log } = this.#parts;
    const unfinished = `${directory}.unfinished`;
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFile(unfinished, text, { mode: 0o600, flush: true });
      await chmod(unfinished, 0o600);
      await rename(unfinished, join(directory, ROUTES_FILE));
      return true;
    } catch (cause) {
      log.warn("the proxy's routes could not be written; trying again", { directory, error: cause });
      return false;
    }
  }

  async #follow(current: Configuration): Promise<void> {
    const { api, clock, log, inForce } = this.#parts;
    const writtenAtMs = clock.monotonicMs();
    let isLate = false;
    for (let delayMs = FIRST_LOOK_MS; this.#newest === current && !this.#stopped; delayMs = Math.min(LONGEST_LOOK_MS, delayMs * 1.2)) {
      const answer = await api.marker(current.marker);
      // Whoever starts from now on begins with what is written.
      if (answer === "in-force" || answer === "refused") {
        await this.#pause(SETTLE_MS);
        return inForce(current.marker);
      }
      if (!isLate && clock.monotonicMs() - writtenAtMs > LATE_MS) {
        isLate = true;
        log.warn("the proxy does not take its routes; what it served before stays, see its log", { marker: current.marker, answer });
      }
      await this.#pause(delayMs);
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#parts.clock.after(delayMs, resolve));
  }
}
