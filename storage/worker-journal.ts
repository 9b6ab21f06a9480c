import type { Address } from "../runtime/address.ts";
import type { Commit, CommitResult, Journal, LoadedStream, LoadFrom, OutboxMessage } from "../runtime/journal.ts";
import { encodeCommit, type EncodedResult, resultOf, weightOf, type WrittenGroup } from "./encoding.ts";
import { CLOSED, CommitUncertain, type Failed } from "./failure.ts";
import { type WorkerLink, WorkerLost } from "./worker-link.ts";
import type { JournalRequest } from "./worker-protocol.ts";

/** Commits that have no answer yet. One more is answered `failed: overloaded` at once: the disk is slower than the callers. */
const UNANSWERED_COMMITS_MAX = 10_000;
/** The same bound for large commits, in UTF-16 units of JSON. */
const UNANSWERED_WEIGHT_MAX = 64 * 1024 * 1024;

const OVERLOADED: Failed = {
  kind: "failed",
  reason: "overloaded",
  message: `nothing was written: ${UNANSWERED_COMMITS_MAX} commits are waiting for the disk already; try again later`,
};

/** The journal over its worker thread: this thread never waits for a disk. */
export class WorkerJournal implements Journal {
  readonly #link: WorkerLink<JournalRequest>;
  #unansweredCommits = 0;
  #unansweredWeight = 0;

  constructor(link: WorkerLink<JournalRequest>) {
    this.#link = link;
  }

  claim(epoch: number): Promise<number> {
    return this.#link.ask({ kind: "claim", epoch }, "ask-again");
  }

  async load(stream: Address, from: LoadFrom = "snapshot"): Promise<LoadedStream> {
    return JSON.parse(await this.#link.ask<string>({ kind: "load", stream, from }, "ask-again")) as LoadedStream;
  }

  streams(): Promise<readonly Address[]> {
    return this.#link.ask({ kind: "streams" }, "ask-again");
  }

  recall(stream: Address, commandId: string): Promise<{ readonly value: unknown } | undefined> {
    return this.#link.ask({ kind: "recall", stream, commandId }, "ask-again");
  }

  /** Rejects with `CommitUncertain` when the worker or the disk failed in the middle of it. */
  async commit(commit: Commit): Promise<CommitResult> {
    if (this.#link.isClosed) return CLOSED;
    const encoded = encodeCommit(commit);
    const weight = weightOf(encoded);
    if (this.#unansweredCommits >= UNANSWERED_COMMITS_MAX || this.#unansweredWeight + weight > UNANSWERED_WEIGHT_MAX) return OVERLOADED;
    this.#unansweredCommits += 1;
    this.#unansweredWeight += weight;
    try {
      return resultOf(await this.#link.ask<EncodedResult>({ kind: "commit", commit: encoded }, "reject"));
    } catch (error) {
      return afterLoss(error);
    } finally {
      this.#unansweredCommits -= 1;
      this.#unansweredWeight -= weight;
    }
  }

  async pending(limit: number): Promise<readonly OutboxMessage[]> {
    return JSON.parse(await this.#link.ask<string>({ kind: "pending", limit }, "ask-again")) as readonly OutboxMessage[];
  }

  /** Rejects when it could not be written; the messages are then delivered again, which their receivers notice. */
  async acknowledge(ids: readonly string[]): Promise<void> {
    const fault = await this.#link.ask<WrittenGroup["fault"]>({ kind: "acknowledge", ids }, "ask-again");
    if (fault !== undefined) throw new Error(fault.message);
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}

function afterLoss(error: unknown): Failed {
  if (!(error instanceof WorkerLost)) throw error;
  if (error.fate === "unknown") throw new CommitUncertain("it is not known whether the commit was written", error);
  const reason = error.problem === "disk-full" || error.problem === "read-only" ? error.problem : "damaged";
  return { kind: "failed", reason, message: `nothing was written: ${error.message}` };
}
