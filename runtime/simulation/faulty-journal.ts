import type { Address } from "../address.ts";
import type { Commit, CommitResult, Journal, LoadedStream, LoadFrom, OutboxMessage } from "../journal.ts";
import type { SimLoop } from "./sim-loop.ts";
import type { SimProcess } from "./sim-process.ts";

/** What a write meets. `lost` and `unconfirmed` both leave the writer in the dark: not written, and written. */
export type DiskFault = "none" | "disk-full" | "read-only" | "lost" | "unconfirmed";

/** A moment at which the process dies: before anything of the commit is written, or after all of it is and before anybody knows. A transaction knows no third one. */
export type CrashMoment = "before-commit" | "after-commit";

export interface JournalFaults {
  /** Chance, from 0 to 1, that a commit meets `fault`. */
  readonly share: number;
  readonly fault: DiskFault;
  readonly longestWriteMs: number;
}

export const SOUND_DISK: JournalFaults = { share: 0, fault: "none", longestWriteMs: 2 };

/** A journal as a process of the simulation sees it: it takes virtual time, fails as told, and goes silent when the process is killed. */
export class FaultyJournal implements Journal {
  readonly #loop: SimLoop;
  readonly #process: SimProcess;
  readonly #inner: Journal;
  #faults = SOUND_DISK;
  #crash: { readonly moment: CrashMoment; commitsLeft: number; readonly crashed: () => void } | undefined;
  #freeAtMs = 0;

  constructor(loop: SimLoop, process: SimProcess, inner: Journal) {
    this.#loop = loop;
    this.#process = process;
    this.#inner = inner;
  }

  setFaults(faults: JournalFaults): void {
    this.#faults = faults;
  }

  /** Kills the process at the commit after so many others. */
  crashAfter(commits: number, moment: CrashMoment, crashed: () => void = () => undefined): void {
    this.#crash = { moment, commitsLeft: commits, crashed };
  }

  claim(epoch: number): Promise<number> {
    return this.#inTurn(() => this.#inner.claim(epoch));
  }

  load(stream: Address, from?: LoadFrom): Promise<LoadedStream> {
    return this.#inTurn(() => this.#inner.load(stream, from));
  }

  streams(): Promise<readonly Address[]> {
    return this.#inTurn(() => this.#inner.streams());
  }

  recall(stream: Address, commandId: string): Promise<{ readonly value: unknown } | undefined> {
    return this.#inTurn(() => this.#inner.recall(stream, commandId));
  }

  pending(limit: number): Promise<readonly OutboxMessage[]> {
    return this.#inTurn(() => this.#inner.pending(limit));
  }

  acknowledge(ids: readonly string[]): Promise<void> {
    return this.#inTurn(() => this.#inner.acknowledge(ids));
  }

  commit(commit: Commit): Promise<CommitResult> {
    return this.#inTurn(() => this.#write(commit));
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#inner.close());
  }

  async #write(commit: Commit): Promise<CommitResult> {
    if (this.#isCrashing()) return this.#die(commit);
    const { share, fault } = this.#faults;
    switch (fault === "none" || this.#loop.random.next() >= share ? "none" : fault) {
      case "none":
        return this.#inner.commit(commit);
      case "disk-full":
        return { kind: "failed", reason: "disk-full", message: "simulated" };
      case "read-only":
        return { kind: "failed", reason: "read-only", message: "simulated" };
      case "lost":
        throw new Error("simulated: the writer died before it wrote");
      case "unconfirmed":
        await this.#inner.commit(commit);
        throw new Error("simulated: the writer died before it said so");
    }
  }

  #isCrashing(): boolean {
    if (this.#crash === undefined) return false;
    this.#crash.commitsLeft -= 1;
    return this.#crash.commitsLeft < 0;
  }

  async #die(commit: Commit): Promise<CommitResult> {
    if (this.#crash?.moment === "after-commit") await this.#inner.commit(commit);
    this.#process.kill();
    this.#crash?.crashed();
    return never();
  }

  /** One after the other, as over a worker thread: nothing overtakes. */
  #inTurn<Result>(call: () => Promise<Result>): Promise<Result> {
    this.#freeAtMs = Math.max(this.#freeAtMs, this.#loop.nowMs) + this.#loop.random.next() * this.#faults.longestWriteMs;
    return new Promise((resolve, reject) => {
      this.#process.clock.after(this.#freeAtMs - this.#loop.nowMs, () => {
        call().then(resolve, reject);
      });
    });
  }
}

function never<Result>(): Promise<Result> {
  return new Promise(() => undefined);
}
