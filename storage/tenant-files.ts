import { chmodSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isId } from "../runtime/address.ts";
import type { Journal, ReadModel } from "../runtime/journal.ts";
import type { CommitGate } from "./commit-gate.ts";
import { CommitListeners } from "./commit-listeners.ts";
import { openErrorOf } from "./failure.ts";
import { lockTenant } from "./tenant-lock.ts";
import { WorkerJournal } from "./worker-journal.ts";
import { WorkerLink } from "./worker-link.ts";
import type { JournalRequest, ReadRequest, WorkerStart } from "./worker-protocol.ts";
import type { SealedRows } from "./sealed-store.ts";
import { WorkerReads } from "./worker-reads.ts";
import { WorkerSealedRows } from "./worker-sealed.ts";

const DIRECTORY_MODE = 0o700;

export interface OpenTenantOptions {
  /** Holds the files of all tenants; made when it is not there, for this user alone. */
  readonly directory: string;
  readonly tenant: string;
  /** Between the writing of a group of commits and its answer. For tests and benches. */
  readonly commitGate?: CommitGate;
}

/** A tenant's file in use by this process: one thread writes, another reads. */
export interface OpenTenant {
  readonly journal: Journal;
  readonly reads: ReadModel;
  /** What is encrypted, for `openSealedStore`. */
  readonly sealedRows: SealedRows;
  /** Everything asked before is answered; then the file is closed and free for another process. */
  close(): Promise<void>;
  /** Ends both threads as a crash would; they start again by themselves. For tests. */
  killWorkers(): Promise<void>;
}

/** Rejects with `TenantFileError`: in use, damaged, newer, of another tenant, on a full or read-only disk. */
export async function openTenant(options: OpenTenantOptions): Promise<OpenTenant> {
  const files = filesOf(options.directory, options.tenant);
  prepareDirectory(options.directory);
  const lock = lockTenant(files);
  const start: WorkerStart = { path: files.data, tenant: options.tenant, nowMs: Date.now(), commitHold: options.commitGate?.hold };
  const listeners = new CommitListeners();
  // Side by side: a thread takes longer to start than a file to open.
  const [writing, reading] = await Promise.allSettled([
    WorkerLink.open<JournalRequest>({ script: script("journal"), start, onCommitted: (offset) => listeners.tell(offset) }),
    WorkerLink.open<ReadRequest>({ script: script("reader"), start, onCommitted: () => undefined }),
  ]);
  if (writing.status === "rejected" || reading.status === "rejected") {
    for (const opened of [reading, writing]) if (opened.status === "fulfilled") await opened.value.close();
    lock.release();
    throw [writing, reading].find((outcome) => outcome.status === "rejected")?.reason;
  }
  return inUse(writing.value, reading.value, listeners, lock);
}

function inUse(
  writes: WorkerLink<JournalRequest>,
  reads: WorkerLink<ReadRequest>,
  listeners: CommitListeners,
  lock: { release(): void },
): OpenTenant {
  return {
    journal: new WorkerJournal(writes),
    reads: new WorkerReads(reads, listeners),
    sealedRows: new WorkerSealedRows(writes),
    close: async () => {
      // The writer last: it checkpoints, and removes the WAL when nobody else has the file open.
      await reads.close();
      await writes.close();
      lock.release();
    },
    killWorkers: async () => {
      await Promise.all([writes.killWorker(), reads.killWorker()]);
    },
  };
}

function script(worker: "journal" | "reader"): URL {
  return new URL(`./${worker}-worker.ts`, import.meta.url);
}

function filesOf(directory: string, tenant: string): { readonly data: string; readonly lock: string; readonly holder: string } {
  if (!isId(tenant)) throw new Error(`not the id of a tenant: "${tenant}"`);
  const base = join(directory, tenant);
  return { data: `${base}.db`, lock: `${base}.lock`, holder: `${base}.holder.json` };
}

function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
    if ((statSync(directory).mode & 0o777) !== DIRECTORY_MODE) chmodSync(directory, DIRECTORY_MODE);
  } catch (error) {
    throw openErrorOf(error, directory);
  }
}
