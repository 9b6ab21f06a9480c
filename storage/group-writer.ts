import type Database from "better-sqlite3";
import type { EncodedCommit, EncodedResult, EncodedRow } from "./encoding.ts";
import { prepareWrites, type WriteStatements } from "./write-statements.ts";

/** A repeated command is recognised for this long ... */
const REPLY_KEPT_MS = 7 * 24 * 60 * 60 * 1000;
/** ... unless there were more than this many since ... */
const REPLIES_MAX = 1_000_000;
/** ... and this many newest ones are kept however old they seem, so that a false clock cannot make every command forgotten. */
const REPLIES_MIN = 10_000;
/** Per group; more than a group can add, so that the table cannot outgrow its bound. */
const FORGOTTEN_PER_GROUP = 512;
/** Versions of streams known without asking the file. Beyond it they are all forgotten and asked for again. */
const HEADS_MAX = 100_000;

/** Writes groups of commits, each group one transaction. Knows the ends of the log; whatever goes wrong makes it ask the file again. */
export class GroupWriter {
  readonly #tenant: string;
  readonly #db: Database.Database;
  readonly #sql: WriteStatements;
  readonly #heads = new Map<string, number>();
  #offset = 0;
  #auditNumber = 0;

  constructor(db: Database.Database, tenant: string) {
    this.#db = db;
    this.#tenant = tenant;
    this.#sql = prepareWrites(db);
  }

  claim(epoch: number): number {
    this.#heads.clear();
    this.#sql.raiseEpoch.run(this.#tenant, epoch);
    return this.#epoch();
  }

  recall(stream: string, commandId: string): string | undefined {
    return this.#sql.recall.get(this.#tenant, stream, commandId);
  }

  newestOffset(): number {
    return this.#sql.newestOffset.get() ?? 0;
  }

  /** Throws, with everything rolled back, when the file refuses or a commit is malformed. */
  write(commits: readonly EncodedCommit[], acknowledged: readonly string[]): readonly EncodedResult[] {
    try {
      this.#sql.begin.run();
      // Nobody else writes until the end of this transaction: the fence and the ends of the log are read once for all.
      const epoch = this.#epoch();
      this.#offset = this.newestOffset();
      this.#auditNumber = this.#sql.newestAudit.get() ?? 0;
      const results = commits.map((commit) => this.#one(commit, epoch));
      for (const id of acknowledged) this.#sql.removeOutgoing.run(this.#tenant, id);
      this.#forgetOld(commits.at(-1)?.atMs);
      this.#sql.commit.run();
      return results;
    } catch (error) {
      this.#heads.clear();
      if (this.#db.inTransaction) this.#sql.rollback.run();
      throw error;
    }
  }

  #one(commit: EncodedCommit, epoch: number): EncodedResult {
    if (commit.epoch < epoch) return { kind: "fenced", epoch };
    if (commit.epoch > epoch) return { kind: "broken", message: `epoch ${commit.epoch} was never claimed (in force: ${epoch})` };
    const head = this.#head(commit.stream);
    if (head !== commit.expectedVersion || commit.reply === null) {
      const reply = this.recall(commit.stream, commit.commandId);
      if (reply !== undefined) return { kind: "duplicate", reply };
      if (head !== commit.expectedVersion) return { kind: "conflict", version: head };
    } else {
      const remembered = this.#sql.remember.run(this.#tenant, commit.stream, commit.commandId, commit.atMs, commit.reply);
      if (remembered.changes === 0) return { kind: "duplicate", reply: this.recall(commit.stream, commit.commandId) ?? "null" };
    }
    return { kind: "committed", version: this.#append(commit, head), offset: this.#offset };
  }

  #append(commit: EncodedCommit, head: number): number {
    const tenant = this.#tenant;
    let version = head;
    if (head === 0 && commit.events.length > 0) this.#sql.addStream.run(tenant, commit.stream);
    for (const { type, schema, data } of commit.events) {
      version += 1;
      this.#offset += 1;
      this.#sql.addEvent.run(tenant, this.#offset, commit.stream, version, type, schema, commit.atMs, commit.meta, data);
    }
    this.#audit(commit);
    for (const { id, from, to, correlationId, message } of commit.outbox) {
      this.#sql.addOutgoing.run(tenant, id, from, to, correlationId, message);
    }
    for (const row of commit.rows) {
      if (row.change === "delete") this.#sql.deleteRow.run(tenant, row.kind, row.id);
      else this.#putRow(row, commit.atMs);
    }
    if (commit.snapshot !== null) this.#sql.putSnapshot.run(tenant, commit.stream, version, commit.snapshot.schema, commit.snapshot.state);
    this.#heads.set(commit.stream, version);
    return version;
  }

  #putRow({ kind, id, parent, body }: EncodedRow, atMs: number): void {
    const known = this.#sql.changeRow.run(body, this.#offset, atMs, this.#tenant, kind, id, parent);
    if (known.changes === 0) this.#sql.putRow.run(this.#tenant, kind, id, parent, body, this.#offset, atMs);
  }

  #audit({ audit, atMs, principalId, meta }: EncodedCommit): void {
    for (const { operation, resource, outcome, reason, before, after } of audit) {
      this.#auditNumber += 1;
      this.#sql.addAudit.run(this.#tenant, this.#auditNumber, atMs, operation, resource, outcome, reason, before, after, principalId, meta);
    }
  }

  #epoch(): number {
    return this.#sql.epoch.get(this.#tenant) ?? 0;
  }

  #head(stream: string): number {
    const known = this.#heads.get(stream);
    if (known !== undefined) return known;
    if (this.#heads.size >= HEADS_MAX) this.#heads.clear();
    const head = this.#sql.head.get(this.#tenant, stream) ?? 0;
    this.#heads.set(stream, head);
    return head;
  }

  #forgetOld(nowMs: number | undefined): void {
    const oldest = this.#sql.oldestCommand.get(this.#tenant);
    if (nowMs === undefined || oldest === undefined) return;
    const newest = this.#sql.newestCommand.get() ?? 0;
    const isCrowded = newest - oldest.sequence >= REPLIES_MAX;
    const isOld = oldest.at_ms < nowMs - REPLY_KEPT_MS && newest - oldest.sequence >= REPLIES_MIN;
    if (!isCrowded && !isOld) return;
    const before = Math.min(oldest.sequence + FORGOTTEN_PER_GROUP, newest - REPLIES_MIN);
    this.#sql.forget.run(this.#tenant, before, nowMs - REPLY_KEPT_MS, newest - REPLIES_MAX);
  }
}
