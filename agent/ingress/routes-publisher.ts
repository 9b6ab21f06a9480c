import { chmod, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { EntryPointsProof } from "./entry-points-proof.ts";
import { ROUTES_FILE } from "./static-configuration.ts";

/** A configuration is in force 30 to 150 ms after it was written. */
const FIRST_LOOK_MS = 5;
const LONGEST_LOOK_MS = 250;
const LOOK_GROWTH = 1.2;
/** Said once for each configuration that is not in force by then. */
const LATE_MS = 10_000;
const REWRITE_AFTER_MS = 1_000;
const AGAIN = "-again";
/** Written ones that may still be met; older ones are forgotten. The proxy takes over the newest that it finds. */
const MAX_WRITTEN = 16;

export interface PublisherParts {
  /** Of this half alone; seen by its proxy, read-only. */
  readonly directory: string;
  readonly proof: Pick<EntryPointsProof, "ask">;
  readonly clock: Clock;
  readonly log: Log;
  /** No new connection and no new request meets anything older than the configuration with this marker. */
  readonly inForce: (marker: string) => void;
}

export interface Configuration {
  readonly marker: string;
  /** Its part for UDP, which the proof of the others does not cover. */
  readonly udp: string;
  /** The whole, under its own marker or another. */
  readonly text: (marker: string) => string;
}

interface Written {
  readonly marker: string;
  readonly of: Configuration;
}

/** Gives one proxy its configuration, and learns when it is in force. The newest counts; what came in between may be skipped. */
export class RoutesPublisher {
  readonly #parts: PublisherParts;
  #newest: Configuration | undefined;
  #written: readonly Written[] = [];
  /** The last that was met at all entry points for HTTP and TCP. */
  #proven: Written | undefined;
  /** What all entry points for UDP are known to serve; undefined as soon as something else was written. */
  #udp: string | undefined;
  #told: Configuration | undefined;
  #running = false;
  #stopped = false;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  publish(configuration: Configuration): void {
    this.#newest = configuration;
    if (!this.#running && !this.#stopped) void this.#run();
  }

  /** Whether the newest is in force now, in a process that runs. One that found nothing is given it again: whoever keeps the disk tidy may have removed it. */
  async serves(): Promise<boolean> {
    const newest = this.#newest;
    const answer = await this.#parts.proof.ask();
    if (answer.kind === "nothing" && newest !== undefined && this.#told === newest) {
      [this.#told, this.#proven, this.#udp] = [undefined, undefined, undefined];
      this.publish(newest);
    }
    return answer.kind === "proven" && this.#written.some(({ marker, of }) => of === newest && marker === answer.marker);
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#newest !== undefined && this.#told !== this.#newest && !this.#stopped) await this.#bring(this.#newest);
    } finally {
      this.#running = false;
    }
  }

  /** Until it is in force, or there is a newer one. What is learned meanwhile of older ones is told. */
  async #bring(current: Configuration): Promise<void> {
    const { proof, clock, log } = this.#parts;
    if (!(await this.#write({ marker: current.marker, of: current }))) return this.#pause(REWRITE_AFTER_MS);
    const writtenAtMs = clock.monotonicMs();
    let isLate = false;
    for (let delayMs = FIRST_LOOK_MS; !this.#stopped; delayMs = Math.min(LONGEST_LOOK_MS, delayMs * LOOK_GROWTH)) {
      const answer = await proof.ask(this.#proven?.marker);
      if (answer.kind === "proven") this.#learn(answer.marker);
      // Whoever starts from now on begins with what is written.
      if (answer.kind === "refused" && this.#newest === current) this.#settle(current);
      if (this.#told === current || this.#newest !== current) return;
      if (this.#lacksSuccessor) await this.#write({ marker: `${current.marker}${AGAIN}`, of: current });
      if (!isLate && clock.monotonicMs() - writtenAtMs > LATE_MS) {
        isLate = true;
        log.warn("the proxy does not take its routes; what it served before stays, see its log", {
          marker: current.marker,
          answer: answer.kind,
        });
      }
      await this.#pause(delayMs);
    }
  }

  /**
   * Configurations are taken over one after the other: when one is met, those before it are in force at every entry point. So a part for UDP that is new is
   * proven by the next configuration.
   */
  #learn(marker: string): void {
    const met = this.#written.findLast((written) => written.marker === marker);
    if (met === undefined) return;
    const before = this.#proven;
    const since = before === undefined ? [] : this.#written.slice(Math.max(0, this.#written.indexOf(before)));
    this.#proven = met;
    this.#written = this.#written.slice(this.#written.indexOf(met));
    if (before !== undefined && before !== met) {
      if (since.includes(before) && since.every(({ of }) => of.udp === met.of.udp)) this.#udp = met.of.udp;
      this.#tell(before.of);
    }
    if (met.of.udp === this.#udp) this.#tell(met.of);
  }

  /** The newest was met, and its part for UDP waits for a next one: the same is written again, under another marker. */
  get #lacksSuccessor(): boolean {
    return this.#proven !== undefined && this.#proven === this.#written.at(-1) && this.#proven.of.udp !== this.#udp;
  }

  /** No process is there to serve anything older. */
  #settle(configuration: Configuration): void {
    this.#proven = this.#written.at(-1);
    this.#udp = configuration.udp;
    this.#tell(configuration);
  }

  #tell(configuration: Configuration): void {
    if (this.#told === configuration) return;
    this.#told = configuration;
    this.#parts.inForce(configuration.marker);
  }

  /** Replaced in one step: whoever reads sees the old one or the new one. It may hold private keys. */
  async #write(written: Written): Promise<boolean> {
    const { directory, log } = this.#parts;
    const unfinished = `${directory}.unfinished`;
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFile(unfinished, written.of.text(written.marker), { mode: 0o600, flush: true });
      await chmod(unfinished, 0o600);
      await rename(unfinished, join(directory, ROUTES_FILE));
    } catch (cause) {
      log.warn("the proxy's routes could not be written; trying again", { directory, error: cause });
      return false;
    }
    this.#written = [...this.#written, written].slice(-MAX_WRITTEN);
    if (written.of.udp !== this.#udp) this.#udp = undefined;
    return true;
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#parts.clock.after(delayMs, resolve));
  }
}
