import type { Assignment, AssignmentChange } from "../actors/node/assignment-contract.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { type AgentDisk, DiskFailure } from "./agent-disk.ts";
import { PlacementRecord, SEQUENCE_RESERVE } from "./agent-state.ts";
import { KeptAssignment } from "./kept-assignment.ts";
import { readKept } from "./kept-file.ts";

const RECORD_PREFIX = "placement-";
/** A record that could not be written is written again so much later; until then it is remembered in memory alone. */
const REWRITE_AFTER_MS = 5_000;

/** What an agent finds of its former life. */
export interface Remembered {
  readonly assignment: Assignment | undefined;
  readonly records: readonly PlacementRecord[];
}

/** What the agent keeps on its disk. The assignment is awaited; records are written behind, newest content only, never two writes of one at once. */
export class AgentMemory {
  readonly #disk: AgentDisk;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #assignment: KeptAssignment;
  readonly #dirty = new Map<string, () => PlacementRecord | undefined>();
  readonly #writing = new Map<string, Promise<void>>();

  constructor(disk: AgentDisk, clock: Clock, log: Log) {
    this.#disk = disk;
    this.#clock = clock;
    this.#log = log;
    this.#assignment = new KeptAssignment(disk, log);
  }

  /** A file that makes no sense is left aside and said; the containers' labels tell most of it again. Rejects with `DiskFailure`. */
  async recall(): Promise<Remembered> {
    const assignment = await this.#assignment.recall();
    const records: PlacementRecord[] = [];
    for (const name of await this.#disk.names()) {
      if (!name.startsWith(RECORD_PREFIX)) continue;
      const record = await readKept(this.#disk, name, PlacementRecord, this.#log);
      if (record !== undefined) records.push({ ...record, sequence: record.sequence + SEQUENCE_RESERVE });
    }
    return { assignment, records };
  }

  /** Rejects with `DiskFailure`; the assignment before it is then still the one on the disk. */
  keepAssignment(assignment: Assignment, change: AssignmentChange | undefined): Promise<void> {
    return this.#assignment.keep(assignment, change);
  }

  /** Soon, and again until it worked. `latest` answers undefined once the placement is forgotten. */
  keepRecord(placementId: string, latest: () => PlacementRecord | undefined): void {
    this.#dirty.set(placementId, latest);
    if (!this.#writing.has(placementId)) this.#writing.set(placementId, this.#writeBehind(placementId));
  }

  /** Resolves when everything that was to be written has been tried. */
  async settled(): Promise<void> {
    while (this.#writing.size > 0) await Promise.all(this.#writing.values());
  }

  async #writeBehind(placementId: string): Promise<void> {
    // One turn: the changes that belong together arrive together.
    await Promise.resolve();
    for (let latest = this.#dirty.get(placementId); latest !== undefined; latest = this.#dirty.get(placementId)) {
      this.#dirty.delete(placementId);
      if (await this.#write(placementId, latest())) continue;
      this.#rewriteLater(placementId, latest);
      break;
    }
    this.#writing.delete(placementId);
  }

  async #write(placementId: string, record: PlacementRecord | undefined): Promise<boolean> {
    const name = `${RECORD_PREFIX}${encodeURIComponent(placementId)}.json`;
    try {
      if (record === undefined) await this.#disk.remove(name);
      else await this.#disk.write(name, JSON.stringify(record));
      return true;
    } catch (cause) {
      if (!(cause instanceof DiskFailure)) throw cause;
      this.#log.warn("what is known of a placement could not be written", { placement: placementId, reason: cause.message });
      return false;
    }
  }

  #rewriteLater(placementId: string, latest: () => PlacementRecord | undefined): void {
    const newer = this.#dirty.get(placementId) ?? latest;
    this.#dirty.set(placementId, newer);
    this.#clock.after(REWRITE_AFTER_MS, () => {
      if (this.#dirty.get(placementId) === newer) this.keepRecord(placementId, newer);
    });
  }
}
