import { addressOf, subjectOf } from "../../runtime/address.ts";
import { BusFailure, type Subscription } from "../../runtime/bus.ts";
import type { Timer } from "../../runtime/clock.ts";
import { isRefusal } from "../../runtime/refusal.ts";
import type { OperationContext } from "../catalogue.ts";
import { LogChunk, StreamOpened, type AgentRequest, type LogLine } from "../node/contract.ts";
import type { LogNotice, LogWish } from "./log-contract.ts";

const OPEN_TIMEOUT_MS = 5_000;
const KEEP_INTERVAL_MS = 10_000;
/** Between attempts to open a stream again on a node that fell silent, while following. */
const REOPEN_DELAY_MS = 3_000;
/** More lines of one millisecond than this may come twice after a stream was opened again. */
const MAX_MARKS = 10_000;

export interface NodeLogListener {
  lines(lines: readonly LogLine[]): void;
  notice(notice: LogNotice): void;
  /** The node has nothing or cannot be asked: what is kept elsewhere is all there is for now. */
  instead(placementIds: readonly string[]): void;
  /** Nothing more will come from it. */
  ended(log: NodeLog): void;
}

/** Time of the newest line, and the lines of exactly that time. */
interface Newest {
  readonly atMs: number;
  readonly marks: Set<string>;
}

/** One stream of log lines from one agent, kept alive while it is read, and opened again when it broke. */
export class NodeLog {
  readonly node: string;
  readonly placementIds: readonly string[];
  readonly #context: OperationContext;
  readonly #wish: LogWish;
  readonly #listener: NodeLogListener;
  #streamId = "";
  #subscription: Subscription | undefined;
  #timer: Timer | undefined;
  #expected = 0;
  #newest: Newest | undefined;
  #resumed: Newest | undefined;
  #phase: "opening" | "open" | "broken" | "closed" = "opening";
  #said = false;

  constructor(context: OperationContext, node: string, placementIds: readonly string[], wish: LogWish, listener: NodeLogListener) {
    this.#context = context;
    this.node = node;
    this.placementIds = placementIds;
    this.#wish = wish;
    this.#listener = listener;
  }

  async open(): Promise<void> {
    if (this.#phase === "closed") return;
    this.#phase = "opening";
    this.#expected = 0;
    this.#resumed = this.#newest;
    this.#streamId = this.#context.random.id();
    this.#subscription?.stop();
    this.#subscription = this.#context.bus.subscribe(`ody.${this.#context.tenant}.stream.${this.node}.${this.#streamId}`, (payload) =>
      this.#take(payload),
    );
    const outcome = await this.#ask(this.#openRequest());
    if (this.#isClosed()) {
      if (outcome.kind === "answered") void this.#ask({ kind: "close-stream", streamId: this.#streamId });
      return;
    }
    if (outcome.kind === "failed") this.#broken(outcome.reason);
    else if (!StreamOpened.safeParse(outcome.answer).success)
      this.#refused(isRefusal(outcome.answer) ? outcome.answer.message : "no reason given");
    else this.#opened();
  }

  close(): void {
    if (this.#phase === "closed") return;
    const wasOpen = this.#phase === "open";
    this.#phase = "closed";
    this.#subscription?.stop();
    this.#timer?.cancel();
    if (wasOpen) void this.#ask({ kind: "close-stream", streamId: this.#streamId });
  }

  #isClosed(): boolean {
    return this.#phase === "closed";
  }

  #openRequest(): AgentRequest {
    const { follow, tail, streams } = this.#wish;
    const sinceMs = this.#resumed?.atMs ?? this.#wish.sinceMs;
    return {
      kind: "logs",
      streamId: this.#streamId,
      placementIds: [...this.placementIds],
      follow,
      streams: [...streams],
      ...(tail === undefined || this.#resumed !== undefined ? {} : { tail }),
      ...(sinceMs === undefined ? {} : { sinceMs }),
    };
  }

  #opened(): void {
    // Chunks may have come, and even ended, before the answer.
    if (this.#phase !== "opening") return;
    this.#phase = "open";
    if (this.#said) this.#notice("node-back", `node ${this.node} answers again; its logs go on`);
    this.#said = false;
    this.#keepLater();
  }

  #keepLater(): void {
    this.#timer = this.#context.clock.after(KEEP_INTERVAL_MS, () => void this.#keep());
  }

  async #keep(): Promise<void> {
    const streamId = this.#streamId;
    const outcome = await this.#ask({ kind: "keep-stream", streamId });
    // Meanwhile it may have ended and been opened again: that says nothing about the new one.
    if (this.#phase !== "open" || streamId !== this.#streamId) return;
    if (outcome.kind === "failed") this.#broken(outcome.reason);
    else if (isRefusal(outcome.answer)) this.#reopen(0);
    else this.#keepLater();
  }

  #broken(reason: string): void {
    this.#phase = "broken";
    if (!this.#said) {
      const what =
        this.placementIds.length === 1 ? "the logs of its replica are" : `the logs of its ${this.placementIds.length} replicas are`;
      this.#notice("node-unreachable", `node ${this.node} does not answer (${reason}); ${what} missing here`);
      this.#listener.instead(this.placementIds);
    }
    this.#said = true;
    if (this.#wish.follow) this.#reopen(REOPEN_DELAY_MS);
    else this.#end();
  }

  #reopen(delayMs: number): void {
    this.#phase = "broken";
    this.#timer?.cancel();
    this.#timer = this.#context.clock.after(delayMs, () => void this.open());
  }

  #refused(reason: string): void {
    this.#notice("refused", `node ${this.node} gave no logs: ${reason}`);
    this.#listener.instead(this.placementIds);
    this.#end();
  }

  #end(): void {
    this.close();
    this.#listener.ended(this);
  }

  #take(payload: unknown): void {
    const parsed = LogChunk.safeParse(payload);
    if (!parsed.success || this.#isClosed()) return;
    const { number, lines, dropped, end } = parsed.data;
    if (number !== this.#expected) this.#notice("lines-lost", `some lines were lost on the way from node ${this.node}`);
    this.#expected = number + 1;
    if (dropped > 0)
      this.#notice("lines-dropped", `${dropped} lines were left out on node ${this.node}: they came faster than they were read`);
    const fresh = lines.filter((line) => this.#isFresh(line));
    if (fresh.length > 0) this.#listener.lines(fresh);
    if (end !== undefined) this.#agentEnded(end);
  }

  /** While following, a node is asked again: its agent may have restarted, or not have heard of a new replica yet. */
  #agentEnded({ reason, message }: NonNullable<LogChunk["end"]>): void {
    const isCut = reason === "failed" || reason === "closed";
    if (isCut) this.#notice("refused", `node ${this.node} stopped reading: ${message}`);
    if (this.#wish.follow) {
      this.#reopen(REOPEN_DELAY_MS);
      return;
    }
    if (reason === "container-gone") this.#listener.instead(this.placementIds);
    this.#phase = "broken";
    this.#end();
  }

  /** Not one that came before the stream was opened again: it goes on from the time of the newest line, which therefore comes a second time. */
  #isFresh(line: LogLine): boolean {
    const mark = `${line.placementId} ${line.stream} ${line.text}`;
    if (this.#resumed !== undefined && line.atMs === this.#resumed.atMs && this.#resumed.marks.has(mark)) return false;
    if (this.#newest === undefined || line.atMs > this.#newest.atMs) this.#newest = { atMs: line.atMs, marks: new Set() };
    if (line.atMs === this.#newest.atMs && this.#newest.marks.size < MAX_MARKS) this.#newest.marks.add(mark);
    return true;
  }

  #notice(code: LogNotice["code"], message: string): void {
    this.#listener.notice({ kind: "notice", code, node: this.node, containers: [...this.placementIds], message });
  }

  async #ask(
    request: AgentRequest,
  ): Promise<{ readonly kind: "answered"; readonly answer: unknown } | { readonly kind: "failed"; readonly reason: string }> {
    try {
      const subject = subjectOf(addressOf(this.#context.tenant, "agent", this.node));
      return { kind: "answered", answer: await this.#context.bus.request(subject, request, { timeoutMs: OPEN_TIMEOUT_MS }) };
    } catch (error) {
      if (error instanceof BusFailure) return { kind: "failed", reason: error.reason };
      throw error;
    }
  }
}
