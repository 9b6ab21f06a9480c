import { Assignment, AssignmentChange } from "../actors/node/assignment-contract.ts";
import type { Log } from "../runtime/log.ts";
import { type AgentDisk, DiskFailure } from "./agent-disk.ts";
import { compareAssignments } from "./assignment-order.ts";
import { changedAssignment } from "./given-assignments.ts";
import { readKept } from "./kept-file.ts";

const WHOLE_FILE = "assignment.json";
const CHANGE_PREFIX = "assignment-change-";
/** Files beside the whole; with the next change the whole is written anew. */
const MAX_CHANGES = 100;

/** The assignment on the agent's disk: the whole, and beside it what has changed since, so that a change of one of thousands writes no more than that one. */
export class KeptAssignment {
  readonly #disk: AgentDisk;
  readonly #log: Log;
  #changes: readonly string[] = [];
  /** Characters the changes may still have before together they are as large as the whole. */
  #charsLeft = 0;

  constructor(disk: AgentDisk, log: Log) {
    this.#disk = disk;
    this.#log = log;
  }

  /** Undefined where a part of it makes no sense: an agent never goes on with half of what it was told. Rejects with `DiskFailure`. */
  async recall(): Promise<Assignment | undefined> {
    const whole = await readKept(this.#disk, WHOLE_FILE, Assignment, this.#log);
    this.#changes = (await this.#disk.names()).filter((name) => name.startsWith(CHANGE_PREFIX));
    const changes: AssignmentChange[] = [];
    for (const name of this.#changes) {
      const change = await readKept(this.#disk, name, AssignmentChange, this.#log);
      if (change === undefined) return undefined;
      changes.push(change);
    }
    // Those that the whole contains already were left by an end between its writing and their removal, and are changes of none that is at hand.
    return changes.toSorted(compareAssignments).reduce((held, change) => changedAssignment(held, change) ?? held, whole);
  }

  /** `change` is what made it of the one before, where that is known. Rejects with `DiskFailure`; the one before is then still the one on the disk. */
  async keep(assignment: Assignment, change: AssignmentChange | undefined): Promise<void> {
    const text = change === undefined ? "" : JSON.stringify(change);
    if (change === undefined || this.#changes.length >= MAX_CHANGES || text.length > this.#charsLeft) return this.#keepWhole(assignment);
    const name = `${CHANGE_PREFIX}${change.epoch}-${change.number}.json`;
    await this.#disk.write(name, text);
    this.#charsLeft -= text.length;
    this.#changes = [...this.#changes, name];
  }

  async #keepWhole(assignment: Assignment): Promise<void> {
    const text = JSON.stringify(assignment);
    await this.#disk.write(WHOLE_FILE, text);
    const old = this.#changes;
    this.#changes = [];
    this.#charsLeft = text.length;
    try {
      for (const name of old) await this.#disk.remove(name);
    } catch (cause) {
      if (!(cause instanceof DiskFailure)) throw cause;
      this.#changes = old;
      this.#log.warn("former changes of the assignment could not be removed; they are once more with the next whole", {
        reason: cause.message,
      });
    }
  }
}
