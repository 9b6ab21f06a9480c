import type { Timer } from "../../runtime/clock.ts";
import { pause } from "./abortable.ts";
import { carryOut } from "./carry-out.ts";
import type { CertificatesCommand, StepFailure } from "./commands.ts";
import { AcmeFailure, type CertificatePorts } from "./ports.ts";
import type { Work } from "./work.ts";

/** Pause before work that failed is tried again; doubled each time. */
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;
/** What RFC 8555 calls an account that is gone, for instance because the authority has a new database. */
const ACCOUNT_UNKNOWN = "accountDoesNotExist";

export interface WorkRunParts {
  readonly tenant: string;
  readonly ports: CertificatePorts;
  readonly work: Work;
  /** Given once, unless the run is stopped before. */
  readonly done: (command: CertificatesCommand) => void;
}

/** One piece of work under way: tried again while there is time and the failure may pass, and ended by its deadline. */
export class WorkRun {
  readonly #parts: WorkRunParts;
  readonly #stop = new AbortController();
  readonly #deadline: Timer | undefined;
  #words = "not begun";
  #trouble: string | undefined;
  #isDone = false;

  constructor(parts: WorkRunParts) {
    this.#parts = parts;
    const { clock } = parts.ports;
    const deadlineAtMs = deadlineOf(parts.work);
    if (deadlineAtMs !== undefined)
      this.#deadline = clock.after(Math.max(0, deadlineAtMs - clock.nowMs()), () => this.#stop.abort(this.#tooLate()));
    void this.#run();
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** What it is at, and what went wrong so far. */
  get words(): string {
    return this.#trouble === undefined ? this.#words : `${this.#words}; ${this.#trouble}`;
  }

  stop(): void {
    this.#isDone = true;
    this.#deadline?.cancel();
    this.#stop.abort(new Error("it is not wanted any more"));
  }

  async #run(): Promise<void> {
    const { work, tenant, ports } = this.#parts;
    const { signal } = this.#stop;
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(2 * retryMs, MAX_RETRY_MS)) {
      try {
        const command = await carryOut(work, { tenant, ports, signal, say: (words) => (this.#words = words) });
        return this.#end(command);
      } catch (error) {
        const failure = signal.aborted ? signal.reason : error;
        const command = commandOf(work, failure, signal.aborted);
        if (command !== undefined) return this.#end(command);
        if (this.#isDone) return;
        this.#trouble = messageOf(failure);
        ports.log.warn("a step towards a certificate failed and is tried again", { work: work.kind, error: failure });
        await pause(ports.clock, retryMs, signal).catch(() => undefined);
      }
    }
  }

  #end(command: CertificatesCommand): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#deadline?.cancel();
    this.#parts.done(command);
  }

  #tooLate(): AcmeFailure {
    return new AcmeFailure("unreachable", `not done in time: ${this.words}`);
  }
}

/** Account work has the time of the orders that wait for it. */
function deadlineOf(work: Work): number | undefined {
  if (work.kind === "order") return work.order.deadlineAtMs;
  return work.kind === "register-account" || work.kind === "make-account-key" ? work.deadlineAtMs : undefined;
}

/** What the failure means for good; undefined: it may pass. */
function commandOf(work: Work, failure: unknown, isOver: boolean): CertificatesCommand | undefined {
  const isFinal = isOver || (failure instanceof AcmeFailure && failure.kind !== "unreachable");
  if (!isFinal) return undefined;
  const facts: StepFailure = {
    kind: failure instanceof AcmeFailure ? failure.kind : "unreachable",
    message: messageOf(failure),
    ...(failure instanceof AcmeFailure && failure.retryAfterMs !== undefined ? { retryAfterMs: failure.retryAfterMs } : {}),
  };
  switch (work.kind) {
    case "order":
      return failure instanceof AcmeFailure && failure.type === ACCOUNT_UNKNOWN
        ? { kind: "account-unknown", directoryUrl: work.account.settings.directoryUrl }
        : { kind: "order-news", host: work.host, id: work.order.id, news: { kind: "failed", failure: facts } };
    case "make-account-key":
    case "register-account":
      return { kind: "account-refused", directoryUrl: work.settings.directoryUrl, failure: facts };
    case "make-authority":
    case "make-local":
      return undefined;
  }
}

function messageOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}
