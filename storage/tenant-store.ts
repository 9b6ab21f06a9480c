import type Database from "better-sqlite3";
import type { Address } from "../runtime/address.ts";
import type { Commit, LoadedStream, LoadFrom, OutboxMessage } from "../runtime/journal.ts";
import { openForWriting } from "./connection.ts";
import { encodeCommit, type EncodedCommit, type EncodedResult, type WriteFault, type WrittenGroup } from "./encoding.ts";
import { CLOSED, type Failed, failureOf, isUncertain, openErrorOf } from "./failure.ts";
import { GroupWriter } from "./group-writer.ts";
import { migrate } from "./schema.ts";
import { SealedTable, type SealedRequest } from "./sealed-table.ts";
import { outboxMessageOf, storedEventOf } from "./stored.ts";
import { type LoadStatements, prepareLoads } from "./write-statements.ts";

/** At most this many unacknowledged messages are read at once; more wait for the next call. */
const PENDING_MAX = 10_000;

export interface TenantStoreOptions {
  /** The file, or `:memory:`. */
  readonly path: string;
  readonly tenant: string;
  /** Wall clock at opening, for the record of migrations. */
  readonly nowMs: number;
}

/** One tenant's file, synchronously. It has one owner: the journal's worker thread, or a test, or the simulation. */
export class TenantStore {
  readonly path: string;
  readonly tenant: string;
  /** For reads beside the writer on a database that only this connection can see (`:memory:`). */
  readonly database: Database.Database;
  readonly #writer: GroupWriter;
  readonly #loads: LoadStatements;
  readonly #sealed: SealedTable;

  /** Throws `TenantFileError` when the file cannot be used. */
  constructor(options: TenantStoreOptions) {
    this.path = options.path;
    this.tenant = options.tenant;
    this.database = openForWriting(options.path);
    try {
      migrate(this.database, options);
      this.#writer = new GroupWriter(this.database, options.tenant);
      this.#loads = prepareLoads(this.database);
      this.#sealed = new SealedTable(this.database, options.tenant);
    } catch (error) {
      this.database.close();
      throw openErrorOf(error, options.path);
    }
  }

  /** Raises the owner's epoch; answers the one in force, which may be greater than the one asked for. */
  claim(epoch: number): number {
    return this.#writer.claim(epoch);
  }

  /** Writes all of them in one transaction; each gets its own answer, in the same order. */
  commitGroup(commits: readonly Commit[]): readonly EncodedResult[] {
    return this.writeGroup(commits.map(encodeCommit), []).results;
  }

  /** As `commitGroup`, with outbox messages to strike off in the same transaction. Never throws: a failure is each commit's answer. */
  writeGroup(commits: readonly EncodedCommit[], acknowledged: readonly string[]): WrittenGroup {
    if (!this.database.open) return allFailed(commits, CLOSED);
    try {
      return { results: this.#writer.write(commits, acknowledged), fault: undefined };
    } catch (error) {
      const fault = this.#faultOf(error);
      return fault.kind === "broken" && commits.length > 1 ? this.#writeEachAlone(commits, acknowledged) : allFailed(commits, fault);
    }
  }

  load(stream: Address, from: LoadFrom = "snapshot"): LoadedStream {
    const record = from === "start" ? undefined : this.#loads.snapshot.get(this.tenant, stream);
    const snapshot = record && { version: record.version, schema: record.schema, state: JSON.parse(record.state) as unknown };
    const events = this.#loads.eventsAfter.all(this.tenant, stream, snapshot?.version ?? 0).map(storedEventOf);
    return { snapshot, events, version: events.at(-1)?.version ?? snapshot?.version ?? 0 };
  }

  streams(): readonly Address[] {
    return this.#loads.streams.all(this.tenant) as Address[];
  }

  recall(stream: Address, commandId: string): { readonly value: unknown } | undefined {
    const reply = this.#writer.recall(stream, commandId);
    return reply === undefined ? undefined : { value: JSON.parse(reply) as unknown };
  }

  pending(limit: number): readonly OutboxMessage[] {
    return this.#loads.pending.all(this.tenant, Math.min(limit, PENDING_MAX)).map(outboxMessageOf);
  }

  /** What is asked for, or for a write why it was not made. Throws what is a bug of ours. */
  sealed(request: SealedRequest): unknown {
    switch (request.kind) {
      case "keys":
        return this.#sealed.keys();
      case "add-key":
        return this.#written(() => this.#sealed.addKey(request.key));
      case "put":
        return this.#written(() => this.#sealed.put(request.value));
      case "get":
        return this.#sealed.get(request.name, request.version);
      case "newest":
        return this.#sealed.newest(request.name);
    }
  }

  /** Position of the newest event; 0 when there is none. */
  newestOffset(): number {
    return this.#writer.newestOffset();
  }

  close(): void {
    this.database.close();
  }

  #written(write: () => void): Failed | undefined {
    try {
      write();
      return undefined;
    } catch (error) {
      const failed = failureOf(error, this.path);
      if (failed === undefined) throw error;
      return failed;
    }
  }

  /** One commit of the group is not what its type says (a bug). It must not take the others with it, nor be hidden among them. */
  #writeEachAlone(commits: readonly EncodedCommit[], acknowledged: readonly string[]): WrittenGroup {
    const results = commits.flatMap((commit) => this.writeGroup([commit], []).results);
    return { results, fault: this.writeGroup([], acknowledged).fault };
  }

  #faultOf(error: unknown): Failed | WriteFault {
    const message = error instanceof Error ? error.message : String(error);
    if (isUncertain(error)) return { kind: "uncertain", message: `${this.path}: the disk did not confirm the write (${message})` };
    return failureOf(error, this.path) ?? { kind: "broken", message: `${this.path}: ${message}` };
  }
}

function allFailed(commits: readonly EncodedCommit[], fault: Failed | WriteFault): WrittenGroup {
  return { results: commits.map(() => fault), fault };
}
