/**
 * The journal and what is written with it. Offsets and audit numbers are given by the writer, so that they grow by one and a rollback leaves no gap.
 * The tenant stands last in every index: it is the same in all rows, so SQLite must never choose an index for its sake.
 * An index whose new keys fall anywhere costs every commit a page of the WAL: command ids sort by time and lead theirs, and the audit log, which grows
 * for ever, has none; a filtered page of it is found by reading backwards, on the reader's thread.
 * `commands` and `outbox` have a sequence of their own: it is the order in which they are pruned and sent.
 */
export const journalTables = `
  create table owner (
    tenant text primary key,
    epoch integer not null
  ) strict, without rowid;

  create table streams (
    tenant text not null,
    stream text not null,
    primary key (stream, tenant)
  ) strict, without rowid;

  create table events (
    offset integer primary key,
    tenant text not null,
    stream text not null,
    version integer not null,
    type text not null,
    schema integer not null,
    at_ms integer not null,
    meta text not null,
    data text not null
  ) strict;
  create unique index events_by_stream on events (stream, version, tenant);

  create table snapshots (
    tenant text not null,
    stream text not null,
    version integer not null,
    schema integer not null,
    state text not null
  ) strict;
  create unique index snapshots_by_stream on snapshots (stream, tenant);

  create table commands (
    sequence integer primary key,
    tenant text not null,
    stream text not null,
    command_id text not null,
    at_ms integer not null,
    reply text not null
  ) strict;
  create unique index commands_by_id on commands (command_id, stream, tenant);

  create table outbox (
    sequence integer primary key,
    tenant text not null,
    id text not null,
    sender text not null,
    receiver text not null,
    correlation_id text not null,
    message text not null
  ) strict;
  create unique index outbox_by_id on outbox (id, tenant);

  create table rows (
    tenant text not null,
    kind text not null,
    id text not null,
    parent text not null,
    body text not null,
    offset integer not null,
    updated_at_ms integer not null,
    primary key (kind, id, tenant)
  ) strict, without rowid;
  create index rows_by_parent on rows (kind, parent, id, tenant);

  create table audit (
    number integer primary key,
    tenant text not null,
    at_ms integer not null,
    operation text not null,
    resource text not null,
    outcome text not null check (outcome in ('accepted', 'refused')),
    reason text,
    before text,
    after text,
    principal_id text not null,
    meta text not null
  ) strict;

  create trigger events_are_not_changed before update on events begin select raise(abort, 'events are append-only'); end;
  create trigger events_are_not_deleted before delete on events begin select raise(abort, 'events are append-only'); end;
  create trigger audit_is_not_changed before update on audit begin select raise(abort, 'the audit log is append-only'); end;
  create trigger audit_is_not_deleted before delete on audit begin select raise(abort, 'the audit log is append-only'); end;
`;
