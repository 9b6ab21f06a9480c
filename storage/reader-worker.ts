import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { openForReading } from "./connection.ts";
import { TenantReader } from "./tenant-reader.ts";
import {
  errorAnswer,
  type FromWorker,
  type Numbered,
  type ReadRequest,
  type ToWorker,
  unopened,
  type WorkerAnswer,
  type WorkerStart,
} from "./worker-protocol.ts";

/** Answers as text, which is what the asking thread takes in fastest. */
function answerOf(reader: TenantReader, { number, request }: Numbered<ReadRequest>): WorkerAnswer {
  try {
    return { number, kind: "answer", answer: JSON.stringify(perform(reader, request)) };
  } catch (error) {
    return errorAnswer(number, error);
  }
}

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

function run(port: MessagePort, start: WorkerStart): void {
  const post = (message: FromWorker) => port.postMessage(message);
  try {
    const database = openForReading(start.path);
    const reader = new TenantReader(database, start.tenant);
    port.on("message", (message: ToWorker<ReadRequest>) => {
      if (message.kind === "requests") {
        for (const request of message.requests) post({ kind: "answers", answers: [answerOf(reader, request)], newestOffset: undefined });
        return;
      }
      database.close();
      post({ kind: "closed" });
      port.close();
    });
    post({ kind: "opened" });
  } catch (error) {
    post(unopened(error));
    port.close();
  }
}

if (parentPort !== null) run(parentPort, workerData as WorkerStart);
