import { z } from "zod";
import { PoolMember } from "../../actors/ingress/contract.ts";
import type { Log } from "../../runtime/log.ts";
import { type AgentDisk, DiskFailure } from "../agent-disk.ts";
import { readKept } from "../kept-file.ts";
import { EMPTY_ALLOCATION, type PortKey } from "./entry-points.ts";

const FILE = "proxy.json";

const Offsets = z.record(z.string(), z.int()).transform((offsets) => offsets as Record<PortKey, number>);

/** What must outlive the agent, because the proxy and its connections do. */
export const ProxyRecord = z.strictObject({
  active: z.enum(["a", "b"]),
  allocation: z.strictObject({ offsets: Offsets, resting: Offsets, next: z.strictObject({ tcp: z.int(), udp: z.int() }) }),
  former: z.array(z.strictObject({ ...PoolMember.shape, epoch: z.int(), number: z.int() })).readonly(),
  /** The engine's name of the proxy's image, and what it was made or pulled for: another wish is another image. */
  image: z.strictObject({ name: z.string(), source: z.string() }).optional(),
});
export type ProxyRecord = Readonly<z.infer<typeof ProxyRecord>>;

const NEW: ProxyRecord = { active: "a", allocation: EMPTY_ALLOCATION, former: [] };

/** Written behind: the newest content only, never two writes at once. */
export class ProxyMemory {
  readonly #disk: AgentDisk;
  readonly #log: Log;
  #record: ProxyRecord = NEW;
  #written: ProxyRecord = NEW;
  #writing: Promise<void> | undefined;

  constructor(disk: AgentDisk, log: Log) {
    this.#disk = disk;
    this.#log = log;
  }

  /** A file that makes no sense is left aside and said. Rejects with `DiskFailure`. */
  async recall(): Promise<void> {
    const record = await readKept(this.#disk, FILE, ProxyRecord, this.#log);
    if (record !== undefined) this.#record = this.#written = record;
  }

  get record(): ProxyRecord {
    return this.#record;
  }

  keep(change: Partial<ProxyRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    await Promise.resolve();
    while (this.#written !== this.#record) {
      const record = this.#record;
      try {
        await this.#disk.write(FILE, JSON.stringify(record));
      } catch (cause) {
        if (!(cause instanceof DiskFailure)) throw cause;
        // Written again with the next change.
        return this.#log.warn("what is known of the proxy could not be written", { reason: cause.message });
      }
      this.#written = record;
    }
  }
}
