import type Database from "better-sqlite3";
import type { AuditDraft, AuditEntry, AuditQuery, EventQuery, Meta, Page, Row, RowQuery, StoredEvent } from "../runtime/journal.ts";
import { cursorOf, numberOfCursor, textOfCursor } from "./cursor.ts";
import { Filter } from "./filter.ts";
import { storedEventOf } from "./stored.ts";
import type { EventRecord } from "./write-statements.ts";

/** A page has at most this many items, whatever was asked for. */
export const PAGE_ITEMS_MAX = 1_000;
/** Texts of statements differ only by which filters are given; beyond this many they are prepared anew. */
const STATEMENTS_MAX = 256;

interface RowRecord {
  readonly id: string;
  readonly parent: string;
  readonly body: string;
  readonly offset: number;
  readonly updated_at_ms: number;
}

interface AuditRecord {
  readonly number: number;
  readonly at_ms: number;
  readonly operation: string;
  readonly resource: string;
  readonly outcome: AuditDraft["outcome"];
  readonly reason: string | null;
  readonly before: string | null;
  readonly after: string | null;
  readonly meta: string;
}

/** The read model's queries over one connection, synchronously. Each answer is one snapshot of the file, so its offset is exact. */
export class TenantReader {
  readonly #db: Database.Database;
  readonly #tenant: string;
  readonly #statements = new Map<string, Database.Statement>();
  readonly #newestOffset: Database.Statement<[], number>;

  constructor(db: Database.Database, tenant: string) {
    this.#db = db;
    this.#tenant = tenant;
    this.#newestOffset = db.prepare<[], number>("select coalesce(max(offset), 0) from events").pluck();
  }

  row(kind: string, id: string): { readonly row: Row | undefined; readonly asOfOffset: number } {
    const filter = new Filter(this.#tenant).and("kind = ?", kind).and("id = ?", id);
    const { records, asOfOffset } = this.#select<RowRecord>(
      `select id, parent, body, offset, updated_at_ms from rows where ${filter.sql}`,
      filter.values,
    );
    return { row: records.map(rowOf)[0], asOfOffset };
  }

  /** By id, so that a page stays where it is while others are written. */
  rows(query: RowQuery): Page<Row> {
    const filter = new Filter(this.#tenant).and("kind = ?", query.kind).andMaybe("parent = ?", query.parent);
    filter.andMaybe("id in (select value from json_each(?))", query.ids === undefined ? undefined : JSON.stringify(query.ids));
    filter.andMaybe("id > ?", query.cursor === undefined ? undefined : textOfCursor(query.cursor));
    for (const [field, value] of Object.entries(query.where ?? {})) filter.and("body -> ? = ?", fieldOf(field), JSON.stringify(value));
    const page = this.#page<RowRecord>(
      `select id, parent, body, offset, updated_at_ms from rows where ${filter.sql} order by id`,
      filter.values,
      query.limit,
    );
    return { items: page.items.map(rowOf), next: page.last && cursorOf(page.last.id), asOfOffset: page.asOfOffset };
  }

  /** In order; `next` is the offset to go on after. */
  events(query: EventQuery): Page<StoredEvent> {
    const filter = new Filter(this.#tenant).and("offset > ?", query.afterOffset).andMaybe("stream = ?", query.stream);
    const page = this.#page<EventRecord>(
      `select offset, stream, version, type, schema, at_ms, meta, data from events where ${filter.sql} order by offset`,
      filter.values,
      query.limit,
    );
    return { items: page.items.map(storedEventOf), next: page.last && String(page.last.offset), asOfOffset: page.asOfOffset };
  }

  audit(query: AuditQuery): Page<AuditEntry> {
    const filter = new Filter(this.#tenant)
      .andMaybe("number < ?", query.cursor === undefined ? undefined : numberOfCursor(query.cursor))
      .andMaybe("resource = ?", query.resource)
      .andMaybe("operation = ?", query.operation)
      .andMaybe("principal_id = ?", query.principalId)
      .andMaybe("outcome = ?", query.outcome)
      .andMaybe("at_ms >= ?", query.sinceMs)
      .andMaybe("at_ms <= ?", query.untilMs);
    const page = this.#page<AuditRecord>(
      `select number, at_ms, operation, resource, outcome, reason, before, after, meta from audit where ${filter.sql} order by number desc`,
      filter.values,
      query.limit,
    );
    return { items: page.items.map(auditEntryOf), next: page.last && cursorOf(String(page.last.number)), asOfOffset: page.asOfOffset };
  }

  /** One more than asked for tells whether there is a next page. */
  #page<Record>(sql: string, values: readonly unknown[], limit: number) {
    const size = Math.max(1, Math.min(limit, PAGE_ITEMS_MAX));
    const { records, asOfOffset } = this.#select<Record>(`${sql} limit ?`, [...values, size + 1]);
    const items = records.slice(0, size);
    return { items, last: records.length > size ? items.at(-1) : undefined, asOfOffset };
  }

  #select<Record>(sql: string, values: readonly unknown[]): { readonly records: readonly Record[]; readonly asOfOffset: number } {
    const statement = this.#prepared(sql);
    return this.#db
      .transaction(() => ({ asOfOffset: this.#newestOffset.get() ?? 0, records: statement.all(...values) as Record[] }))
      .deferred();
  }

  #prepared(sql: string): Database.Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear();
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** SQLite would read any other name as a path. */
function fieldOf(name: string): string {
  if (!/^\w+$/.test(name)) throw new Error(`not the name of a field: "${name}"`);
  return name;
}

function rowOf(record: RowRecord): Row {
  return {
    id: record.id,
    parent: record.parent,
    body: JSON.parse(record.body) as Row["body"],
    offset: record.offset,
    updatedAtMs: record.updated_at_ms,
  };
}

function auditEntryOf(record: AuditRecord): AuditEntry {
  return {
    number: record.number,
    atMs: record.at_ms,
    meta: JSON.parse(record.meta) as Meta,
    operation: record.operation,
    resource: record.resource,
    outcome: record.outcome,
    ...(record.reason === null ? {} : { reason: record.reason }),
    ...(record.before === null ? {} : { before: JSON.parse(record.before) as unknown }),
    ...(record.after === null ? {} : { after: JSON.parse(record.after) as unknown }),
  };
}
