import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { type CommitHold, passGate } from "./commit-gate.ts";
import type { EncodedCommit } from "./encoding.ts";
import { TenantStore } from "./tenant-store.ts";
import {
  errorAnswer,
  type FromWorker,
  type JournalRequest,
  type Numbered,
  type ToWorker,
  unopened,
  type WorkerAnswer,
  type WorkerStart,
} from "./worker-protocol.ts";

/** Commits in one transaction. What is queued beyond it goes into the next. */
const GROUP_COMMITS_MAX = 256;

/** Owns the writing connection. Whatever was queued while a group was being written is the next group: there is no timer. */
class JournalWorker {
  readonly #port: MessagePort;
  readonly #store: TenantStore;
  readonly #commitHold: CommitHold | undefined;
  #queue: Numbered<JournalRequest>[] = [];
  #isClosing = false;

  constructor(port: MessagePort, store: TenantStore, commitHold: CommitHold | undefined) {
    this.#port = port;
    this.#store = store;
    this.#commitHold = commitHold;
  }

  receive(message: ToWorker<JournalRequest>): void {
    this.#accept(message);
    while (this.#queue.length > 0) {
      this.#takeWaiting();
      this.#answerGroup();
    }
    if (this.#isClosing) this.#close();
  }

  #accept(message: ToWorker<JournalRequest>): void {
    if (message.kind === "close") this.#isClosing = true;
    else this.#queue.push(...message.requests);
  }

  #takeWaiting(): void {
    while (this.#queue.length < GROUP_COMMITS_MAX) {
      const waiting: { readonly message: ToWorker<JournalRequest> } | undefined = receiveMessageOnPort(this.#port);
      if (waiting === undefined) return;
      this.#accept(waiting.message);
    }
  }

  /** Claims first, so that a former owner's queue meets the fence; reads last, so that they see what was queued before them. */
  #answerGroup(): void {
    const taken = this.#queue.slice(0, GROUP_COMMITS_MAX);
    this.#queue = this.#queue.slice(GROUP_COMMITS_MAX);
    const answers: WorkerAnswer[] = [];
    const reads: Numbered<JournalRequest>[] = [];
    const commits: EncodedCommit[] = [];
    const committers: number[] = [];
    const acknowledged: string[] = [];
    const acknowledgers: number[] = [];
    for (const numbered of taken) {
      const { number, request } = numbered;
      if (request.kind === "commit") {
        commits.push(request.commit);
        committers.push(number);
      } else if (request.kind === "acknowledge") {
        acknowledged.push(...request.ids);
        acknowledgers.push(number);
      } else if (request.kind === "claim") answers.push(this.#answer(numbered));
      else reads.push(numbered);
    }
    const isWrite = commits.length > 0 || acknowledged.length > 0;
    if (isWrite) {
      const { results, fault } = this.#store.writeGroup(commits, acknowledged);
      for (const [index, number] of committers.entries()) answers.push({ number, kind: "answer", answer: results[index] });
      for (const number of acknowledgers) answers.push({ number, kind: "answer", answer: fault });
      if (this.#commitHold !== undefined) passGate(this.#commitHold);
    }
    for (const numbered of reads) answers.push(this.#answer(numbered));
    this.#post({ kind: "answers", answers, newestOffset: isWrite ? this.#store.newestOffset() : undefined });
  }

  #answer({ number, request }: Numbered<JournalRequest>): WorkerAnswer {
    try {
      return { number, kind: "answer", answer: this.#perform(request) };
    } catch (error) {
      return errorAnswer(number, error);
    }
  }

  /** A loaded stream and the outbox travel as text: one text is cheaper for the other thread to take in than many objects. */
  #perform(request: JournalRequest): unknown {
    switch (request.kind) {
      case "claim":
        return this.#store.claim(request.epoch);
      case "load":
        return JSON.stringify(this.#store.load(request.stream, request.from));
      case "streams":
        return this.#store.streams();
      case "recall":
        return this.#store.recall(request.stream, request.commandId);
      case "pending":
        return JSON.stringify(this.#store.pending(request.limit));
      case "sealed":
        return this.#store.sealed(request.request);
      case "commit":
      case "acknowledge":
        throw new Error(`${request.kind} is written with its group`);
    }
  }

  #close(): void {
    this.#store.close();
    this.#post({ kind: "closed" });
    this.#port.close();
  }

  #post(message: FromWorker): void {
    this.#port.postMessage(message);
  }
}

function run(port: MessagePort, start: WorkerStart): void {
  try {
    const worker = new JournalWorker(port, new TenantStore(start), start.commitHold);
    port.on("message", (message: ToWorker<JournalRequest>) => worker.receive(message));
    port.postMessage({ kind: "opened" } satisfies FromWorker);
  } catch (error) {
    port.postMessage(unopened(error));
    port.close();
  }
}

if (parentPort !== null) run(parentPort, workerData as WorkerStart);
