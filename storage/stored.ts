import type { Address } from "../runtime/address.ts";
import type { Meta, OutboxMessage, StoredEvent } from "../runtime/journal.ts";
import type { EventRecord, OutboxRecord } from "./write-statements.ts";

/** Rows of our own tables as values. We wrote them, under STRICT tables, from these very types: they are parsed, not checked again. */
export function storedEventOf(record: EventRecord): StoredEvent {
  return {
    offset: record.offset,
    stream: record.stream as Address,
    version: record.version,
    type: record.type,
    schema: record.schema,
    data: JSON.parse(record.data) as unknown,
    atMs: record.at_ms,
    meta: JSON.parse(record.meta) as Meta,
  };
}

export function outboxMessageOf(record: OutboxRecord): OutboxMessage {
  return {
    id: record.id,
    from: record.sender as Address,
    to: record.receiver as Address,
    message: JSON.parse(record.message) as unknown,
    correlationId: record.correlation_id,
  };
}
