import type Database from "better-sqlite3";

/** Everything the writer runs, prepared once. The tenant is always the first parameter. */
export function prepareWrites(db: Database.Database) {
  return {
    begin: db.prepare("begin immediate"),
    commit: db.prepare("commit"),
    rollback: db.prepare("rollback"),

    epoch: db.prepare<[string], number>("select epoch from owner where tenant = ?").pluck(),
    raiseEpoch: db.prepare<[string, number]>(
      "insert into owner (tenant, epoch) values (?, ?) on conflict (tenant) do update set epoch = max(epoch, excluded.epoch)",
    ),

    // Positions in the file, which has one tenant: a number is never given twice, whoever put a row there.
    newestOffset: db.prepare<[], number>("select coalesce(max(offset), 0) from events").pluck(),
    newestAudit: db.prepare<[], number>("select coalesce(max(number), 0) from audit").pluck(),
    head: db.prepare<[string, string], number>("select coalesce(max(version), 0) from events where tenant = ? and stream = ?").pluck(),
    recall: db
      .prepare<[string, string, string], string>("select reply from commands where tenant = ? and stream = ? and command_id = ?")
      .pluck(),

    addStream: db.prepare<[string, string]>("insert into streams (tenant, stream) values (?, ?) on conflict do nothing"),
    addEvent: db.prepare<[string, number, string, number, string, number, number, string, string]>(
      "insert into events (tenant, offset, stream, version, type, schema, at_ms, meta, data) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ),
    remember: db.prepare<[string, string, string, number, string]>(
      "insert into commands (tenant, stream, command_id, at_ms, reply) values (?, ?, ?, ?, ?) on conflict do nothing",
    ),
    addAudit: db.prepare<[string, number, number, string, string, string, string | null, string | null, string | null, string, string]>(
      `insert into audit (tenant, number, at_ms, operation, resource, outcome, reason, before, after, principal_id, meta)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    // The id is the message's identity: one that still waits is not sent twice.
    addOutgoing: db.prepare<[string, string, string, string, string, string]>(
      "insert into outbox (tenant, id, sender, receiver, correlation_id, message) values (?, ?, ?, ?, ?, ?) on conflict do nothing",
    ),
    removeOutgoing: db.prepare<[string, string]>("delete from outbox where tenant = ? and id = ?"),
    // Sets no column of an index, so that no index is written.
    changeRow: db.prepare<[string, number, number, string, string, string, string]>(
      "update rows set body = ?, offset = ?, updated_at_ms = ? where tenant = ? and kind = ? and id = ? and parent = ?",
    ),
    putRow: db.prepare<[string, string, string, string, string, number, number]>(
      `insert into rows (tenant, kind, id, parent, body, offset, updated_at_ms) values (?, ?, ?, ?, ?, ?, ?)
       on conflict (kind, id, tenant) do update
       set parent = excluded.parent, body = excluded.body, offset = excluded.offset, updated_at_ms = excluded.updated_at_ms`,
    ),
    deleteRow: db.prepare<[string, string, string]>("delete from rows where tenant = ? and kind = ? and id = ?"),
    putSnapshot: db.prepare<[string, string, number, number, string]>(
      `insert into snapshots (tenant, stream, version, schema, state) values (?, ?, ?, ?, ?)
       on conflict (stream, tenant) do update set version = excluded.version, schema = excluded.schema, state = excluded.state`,
    ),

    oldestCommand: db.prepare<[string], { sequence: number; at_ms: number }>(
      "select sequence, at_ms from commands where tenant = ? order by sequence limit 1",
    ),
    newestCommand: db.prepare<[], number>("select coalesce(max(sequence), 0) from commands").pluck(),
    forget: db.prepare<[string, number, number, number]>(
      "delete from commands where tenant = ? and sequence < ? and (at_ms < ? or sequence <= ?)",
    ),
  };
}

export type WriteStatements = ReturnType<typeof prepareWrites>;

/** What the writer's own callers read: actors that load themselves, and the outbox pump. */
export function prepareLoads(db: Database.Database) {
  return {
    snapshot: db.prepare<[string, string], { version: number; schema: number; state: string }>(
      "select version, schema, state from snapshots where tenant = ? and stream = ?",
    ),
    eventsAfter: db.prepare<[string, string, number], EventRecord>(
      "select offset, stream, version, type, schema, at_ms, meta, data from events where tenant = ? and stream = ? and version > ? order by version",
    ),
    streams: db.prepare<[string], string>("select stream from streams where tenant = ? order by stream").pluck(),
    pending: db.prepare<[string, number], OutboxRecord>(
      "select id, sender, receiver, correlation_id, message from outbox where tenant = ? order by sequence limit ?",
    ),
  };
}

export type LoadStatements = ReturnType<typeof prepareLoads>;

export interface EventRecord {
  readonly offset: number;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly schema: number;
  readonly at_ms: number;
  readonly meta: string;
  readonly data: string;
}

export interface OutboxRecord {
  readonly id: string;
  readonly sender: string;
  readonly receiver: string;
  readonly correlation_id: string;
  readonly message: string;
}
