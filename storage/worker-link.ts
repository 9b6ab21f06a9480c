import { Worker } from "node:worker_threads";
import { TenantFileError, type TenantFileProblem } from "./failure.ts";
import type { FromWorker, Numbered, ToWorker, WorkerAnswer, WorkerStart } from "./worker-protocol.ts";

/** After a worker's death the next is started at once; while they keep dying, after twice as long each time, up to the most. */
const RESTART_DELAY_MIN_MS = 100;
const RESTART_DELAY_MAX_MS = 30_000;
/** A question that was with this many workers when they died is refused: it may be what kills them. */
const ATTEMPTS_MAX = 2;
/** The file's last checkpoint may take a while on a slow disk; then the thread is ended, which loses nothing: the WAL is durable. */
const CLOSE_TIMEOUT_MS = 10_000;

/** What happens to a question whose worker died: a question that changes nothing the second time is asked again. */
export type AfterDeath = "ask-again" | "reject";

/** The worker died or cannot be started. `unsent`: it never had the question. `problem` is there when it is the file's. */
export class WorkerLost extends Error {
  readonly fate: "unsent" | "unknown";
  readonly problem: TenantFileProblem | undefined;
  constructor(message: string, fate: "unsent" | "unknown", problem?: TenantFileProblem) {
    super(message);
    this.name = "WorkerLost";
    this.fate = fate;
    this.problem = problem;
  }
}

interface Waiting<Request> extends Numbered<Request> {
  readonly afterDeath: AfterDeath;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
  attempts: number;
}

type Phase =
  | { readonly kind: "starting"; readonly worker: Worker }
  | { readonly kind: "open"; readonly worker: Worker }
  /** Could not be started again; another try is due. Questions are refused meanwhile. */
  | { readonly kind: "down"; readonly retry: NodeJS.Timeout; readonly reason: WorkerLost }
  | { readonly kind: "closed" };

export interface WorkerLinkOptions {
  readonly script: URL;
  readonly start: WorkerStart;
  readonly onCommitted: (newestOffset: number) => void;
}

/** Questions and answers between this thread and one worker, in batches both ways, across the deaths of workers. */
export class WorkerLink<Request> {
  readonly #options: WorkerLinkOptions;
  readonly #waiting = new Map<number, Waiting<Request>>();
  #outgoing: Numbered<Request>[] = [];
  #isFlushDue = false;
  #nextNumber = 1;
  #failures = 0;
  #hasOpened = false;
  #phase: Phase;
  readonly #opened = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();

  private constructor(options: WorkerLinkOptions) {
    this.#options = options;
    this.#phase = { kind: "starting", worker: this.#spawn() };
  }

  /** Rejects with `TenantFileError` when the worker cannot open the file. */
  static async open<Request>(options: WorkerLinkOptions): Promise<WorkerLink<Request>> {
    const link = new WorkerLink<Request>(options);
    try {
      await link.#opened.promise;
      return link;
    } catch (error) {
      throw error instanceof WorkerLost && error.problem !== undefined
        ? new TenantFileError(error.problem, options.start.path, error.message)
        : error;
    }
  }

  get isClosed(): boolean {
    return this.#phase.kind === "closed";
  }

  /** Rejects with `WorkerLost` as `afterDeath` says, and with the worker's own error. */
  ask<Answer>(request: Request, afterDeath: AfterDeath): Promise<Answer> {
    if (this.#phase.kind === "down") return Promise.reject(this.#phase.reason);
    if (this.#phase.kind === "closed") return Promise.reject(new WorkerLost("storage is closed", "unsent"));
    return new Promise<Answer>((resolve, reject) => {
      const number = this.#nextNumber++;
      this.#waiting.set(number, { number, request, afterDeath, resolve: resolve as (answer: unknown) => void, reject, attempts: 0 });
      this.#outgoing.push({ number, request });
      this.#flushSoon();
    });
  }

  /** Everything asked before is answered first. */
  async close(): Promise<void> {
    if (this.#phase.kind === "starting") await Promise.race([this.#opened.promise, this.#ended.promise]);
    const phase = this.#phase;
    if (phase.kind === "closed") return this.#ended.promise;
    this.#flush();
    this.#phase = { kind: "closed" };
    if (phase.kind === "down") {
      clearTimeout(phase.retry);
      return this.#ended.resolve();
    }
    phase.worker.postMessage({ kind: "close" } satisfies ToWorker<Request>);
    const timeout = setTimeout(() => void phase.worker.terminate(), CLOSE_TIMEOUT_MS);
    await this.#ended.promise;
    clearTimeout(timeout);
  }

  /** Ends the worker as a crash would. For tests. */
  async killWorker(): Promise<void> {
    if (this.#phase.kind === "open" || this.#phase.kind === "starting") await this.#phase.worker.terminate();
  }

  #spawn(): Worker {
    const worker = new Worker(this.#options.script, { workerData: this.#options.start });
    let cause = "it ended by itself";
    worker.on("message", (message: FromWorker) => this.#receive(message));
    worker.on("error", (error) => {
      cause = error instanceof Error ? error.message : String(error);
    });
    worker.once("exit", () => this.#exited(`the storage worker of ${this.#options.start.path} died: ${cause}`));
    return worker;
  }

  /** One message per turn of the loop: `setImmediate` runs right after the answers that made the callers ask again. */
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#outgoing.length === 0 || this.#phase.kind !== "open") return;
    this.#phase.worker.postMessage({ kind: "requests", requests: this.#outgoing } satisfies ToWorker<Request>);
    this.#outgoing = [];
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case "opened":
        if (this.#phase.kind === "starting") this.#phase = { kind: "open", worker: this.#phase.worker };
        this.#hasOpened = true;
        this.#opened.resolve();
        this.#flush();
        return;
      case "unopened":
        this.#goDown(new WorkerLost(message.message, "unsent", message.problem));
        return;
      case "answers":
        this.#failures = 0;
        for (const answer of message.answers) this.#settle(answer);
        if (message.newestOffset !== undefined) this.#options.onCommitted(message.newestOffset);
        return;
      case "closed":
        return;
    }
  }

  #settle(answer: WorkerAnswer): void {
    const waiting = this.#waiting.get(answer.number);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.number);
    if (answer.kind === "answer") waiting.resolve(answer.answer);
    else waiting.reject(Object.assign(new Error(answer.message), { name: answer.name }));
  }
  #exited(what: string): void {
    if (this.#phase.kind === "down") return;
    if (this.#phase.kind === "closed") {
      this.#refuseAll(new WorkerLost(what, "unknown"));
      this.#ended.resolve();
      return;
    }
    this.#sortOutDeath(new WorkerLost(what, "unknown"));
    this.#failures += 1;
    if (this.#failures === 1) this.#phase = { kind: "starting", worker: this.#spawn() };
    else this.#goDown(new WorkerLost(what, "unsent"));
  }

  /** Which questions the dead worker had, and which of them may be asked again. */
  #sortOutDeath(reason: WorkerLost): void {
    const unsent = new Set(this.#outgoing.map(({ number }) => number));
    for (const waiting of this.#waiting.values()) {
      if (unsent.has(waiting.number)) continue;
      waiting.attempts += 1;
      if (waiting.afterDeath === "ask-again" && waiting.attempts < ATTEMPTS_MAX) continue;
      this.#waiting.delete(waiting.number);
      waiting.reject(reason);
    }
    this.#outgoing = [...this.#waiting.values()].map(({ number, request }) => ({ number, request }));
  }

  #goDown(reason: WorkerLost): void {
    this.#refuseAll(reason);
    if (!this.#hasOpened) {
      this.#phase = { kind: "closed" };
      this.#ended.resolve();
      this.#opened.reject(reason);
      return;
    }
    this.#failures += 1;
    const delayMs = Math.min(RESTART_DELAY_MIN_MS * 2 ** this.#failures, RESTART_DELAY_MAX_MS);
    const retry = setTimeout(() => {
      this.#phase = { kind: "starting", worker: this.#spawn() };
    }, delayMs);
    this.#phase = { kind: "down", retry, reason };
  }

  #refuseAll(reason: WorkerLost): void {
    for (const waiting of this.#waiting.values()) waiting.reject(reason);
    this.#waiting.clear();
    this.#outgoing = [];
  }
}
