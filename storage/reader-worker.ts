import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { Database } from "better-sqlite3";
import { openForReading } from "./connection.ts";
import { TenantReader } from "./tenant-reader.ts";
import {
  errorAnswer,
  type FromWorker,
  type Numbered,
  type ReadRequest,
  type ToWorker,
  type WorkerAnswer,
  type WorkerStart,
} from "./worker-protocol.ts";

function perform(reader: TenantReader, request: ReadRequest): unknown {
  switch (request.kind) {
    case "row":
      return reader.row(request.rowKind, request.id);
    case "rows":
      return reader.rows(request.query);
    case "events":
      return reader.events(request.query);
    case "audit":
      return reader.audit(request.query);
  }
}

/** The file is opened by the first question, so that this thread can start beside the one that makes the file. */
class ReaderWorker {
  readonly #start: WorkerStart;
  #database: Database | undefined;
  #reader: TenantReader | undefined;

  constructor(start: WorkerStart) {
    this.#start = start;
  }

  /** As text, which is what the asking thread takes in fastest. */
  answer({ number, request }: Numbered<ReadRequest>): WorkerAnswer {
    try {
      return { number, kind: "answer", answer: JSON.stringify(perform(this.#opened(), request)) };
    } catch (error) {
      return errorAnswer(number, error);
    }
  }

  close(): void {
    this.#database?.close();
  }

  #opened(): TenantReader {
    this.#database ??= openForReading(this.#start.path);
    this.#reader ??= new TenantReader(this.#database, this.#start.tenant);
    return this.#reader;
  }
}

function run(port: MessagePort, start: WorkerStart): void {
  const worker = new ReaderWorker(start);
  const post = (message: FromWorker) => port.postMessage(message);
  port.on("message", (message: ToWorker<ReadRequest>) => {
    if (message.kind === "requests") {
      for (const request of message.requests) post({ kind: "answers", answers: [worker.answer(request)], newestOffset: undefined });
      return;
    }
    worker.close();
    post({ kind: "closed" });
    port.close();
  });
  post({ kind: "opened" });
}

if (parentPort !== null) run(parentPort, workerData as WorkerStart);
