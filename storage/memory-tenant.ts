import type { Journal, ReadModel } from "../runtime/journal.ts";
import { IN_MEMORY } from "./connection.ts";
import { resultOf } from "./encoding.ts";
import { CLOSED } from "./failure.ts";
import { CommitListeners } from "./commit-listeners.ts";
import { TenantReader } from "./tenant-reader.ts";
import { TenantStore } from "./tenant-store.ts";

export interface MemoryTenant {
  readonly journal: Journal;
  readonly reads: ReadModel;
  /** The store itself, for what only a test or the simulation does. It outlives `journal.close()`, as a file does. */
  readonly store: TenantStore;
}

/** A tenant on `:memory:` whose promises are resolved at once: the file's own SQL without threads, for tests and the simulation. */
export function openMemoryTenant(options: { readonly tenant: string; readonly nowMs?: number }): MemoryTenant {
  const store = new TenantStore({ path: IN_MEMORY, tenant: options.tenant, nowMs: options.nowMs ?? 0 });
  return { ...attachMemoryTenant(store), store };
}

/** A second life of the same store: what a restarted process sees. */
export function attachMemoryTenant(store: TenantStore): { readonly journal: Journal; readonly reads: ReadModel } {
  const listeners = new CommitListeners();
  const reader = new TenantReader(store.database, store.tenant);
  let isOpen = true;
  const journal: Journal = {
    claim: async (epoch) => store.claim(epoch),
    load: async (stream, from) => store.load(stream, from),
    streams: async () => store.streams(),
    recall: async (stream, commandId) => store.recall(stream, commandId),
    commit: async (commit) => {
      if (!isOpen) return CLOSED;
      const result = resultOf(store.commitGroup([commit])[0]);
      if (result.kind === "committed") listeners.tell(result.offset);
      return result;
    },
    pending: async (limit) => store.pending(limit),
    acknowledge: async (ids) => {
      const { fault } = store.writeGroup([], ids);
      if (fault !== undefined) throw new Error(fault.message);
    },
    close: async () => {
      isOpen = false;
    },
  };
  const reads: ReadModel = {
    row: async (kind, id) => reader.row(kind, id),
    rows: async (query) => reader.rows(query),
    events: async (query) => reader.events(query),
    audit: async (query) => reader.audit(query),
    onCommitted: (listener) => listeners.add(listener),
  };
  return { journal, reads };
}
