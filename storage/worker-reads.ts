import type { AuditEntry, AuditQuery, EventQuery, Page, ReadModel, Row, RowQuery, StoredEvent } from "../runtime/journal.ts";
import type { CommitListener, CommitListeners } from "./commit-listeners.ts";
import type { WorkerLink } from "./worker-link.ts";
import type { ReadRequest } from "./worker-protocol.ts";

/**
 * The read model over its worker thread. Each answer is a snapshot begun after the question, so it holds everything committed before: whoever
 * has been told that something is committed reads it.
 */
export class WorkerReads implements ReadModel {
  readonly #link: WorkerLink<ReadRequest>;
  readonly #listeners: CommitListeners;

  constructor(link: WorkerLink<ReadRequest>, listeners: CommitListeners) {
    this.#link = link;
    this.#listeners = listeners;
  }

  row(kind: string, id: string): Promise<{ readonly row: Row | undefined; readonly asOfOffset: number }> {
    return this.#read({ kind: "row", rowKind: kind, id });
  }

  /** Rejects with an error named `CursorError` for a cursor that was not given by us. */
  rows(query: RowQuery): Promise<Page<Row>> {
    return this.#read({ kind: "rows", query });
  }

  events(query: EventQuery): Promise<Page<StoredEvent>> {
    return this.#read({ kind: "events", query });
  }

  /** Rejects with an error named `CursorError` for a cursor that was not given by us. */
  audit(query: AuditQuery): Promise<Page<AuditEntry>> {
    return this.#read({ kind: "audit", query });
  }

  onCommitted(listener: CommitListener): { stop(): void } {
    return this.#listeners.add(listener);
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  async #read<Answer>(request: ReadRequest): Promise<Answer> {
    return JSON.parse(await this.#link.ask<string>(request, "ask-again")) as Answer;
  }
}
