import type { OperationContext } from "../catalogue.ts";
import type { LogLine } from "../node/contract.ts";
import type { ContainerView } from "../views.ts";
import { LineOrder, MAX_HELD_LINES } from "./line-order.ts";
import type { LogItem, LogItemLine, LogNotice, LogWish } from "./log-contract.ts";
import { NodeLog } from "./node-log.ts";

/** While following, a line waits so long for earlier ones of other nodes. */
const ORDER_WINDOW_MS = 200;
/** Lines kept for a reader who does not take them; further ones are left out and counted. */
const MAX_WAITING_LINES = 2 * MAX_HELD_LINES;
/** Notices kept for such a reader; a node that comes and goes makes new ones all the time. Further ones are counted. */
const MAX_WAITING_NOTICES = 1_000;

/** The logs of a changing set of replicas, from all their nodes, as one sequence. */
export class LogReading {
  readonly #context: OperationContext;
  readonly #wish: LogWish;
  readonly #order: LineOrder;
  readonly #containers = new Map<string, ContainerView>();
  readonly #open = new Set<NodeLog>();
  readonly #ring: () => void;
  #notices: LogNotice[] = [];
  #leftOut = 0;
  #noticesLeftOut = 0;

  /** `ring` is called when there may be something to take. */
  constructor(context: OperationContext, wish: LogWish, ring: () => void) {
    this.#context = context;
    this.#wish = wish;
    this.#ring = ring;
    this.#order = new LineOrder(wish.follow ? ORDER_WINDOW_MS : Number.POSITIVE_INFINITY);
  }

  /** No node is being read: what is held is all there will be. */
  get isIdle(): boolean {
    return this.#open.size === 0;
  }

  /** After how many milliseconds held lines may be due; undefined when none is held. */
  get dueInMs(): number | undefined {
    return this.#order.size === 0 ? undefined : ORDER_WINDOW_MS / 2;
  }

  /** Begins to read the replicas that are new, and stops reading nodes of which none is left. */
  show(containers: readonly ContainerView[]): void {
    const fresh = containers.filter(({ id }) => !this.#containers.has(id));
    const readable = fresh.filter(isReadable);
    for (const container of containers) this.#containers.set(container.id, container);
    for (const container of fresh) if (isOver(container)) this.#keptLines(container);
    for (const [node, group] of Map.groupBy(readable, ({ node = "" }) => node)) this.#read(node, group);
    // A replica that has no node yet is looked at again.
    for (const { id } of fresh.filter((container) => !isReadable(container) && !isOver(container))) this.#containers.delete(id);
    const shown = new Set(containers.filter((container) => !isOver(container)).map(({ id }) => id));
    for (const log of this.#open) if (!log.placementIds.some((id) => shown.has(id))) this.#drop(log);
    this.#forgetGone(new Set(containers.map(({ id }) => id)));
  }

  /** A reader may follow a deployment for weeks: replicas that are gone and read no more are forgotten. */
  #forgetGone(existing: ReadonlySet<string>): void {
    const read = new Set([...this.#open].flatMap(({ placementIds }) => placementIds));
    for (const id of this.#containers.keys()) if (!existing.has(id) && !read.has(id)) this.#containers.delete(id);
  }

  /** What may be passed on now, in order; lines first. */
  take(): readonly LogItem[] {
    const lines = this.isIdle ? this.#order.takeAll() : this.#order.takeDue(this.#context.clock.monotonicMs());
    const notices = this.#notices;
    this.#notices = [];
    if (this.#leftOut > 0) {
      notices.push({
        kind: "notice",
        code: "lines-dropped",
        containers: [],
        message: `${this.#leftOut} lines were left out: they came faster than they were taken`,
      });
      this.#leftOut = 0;
    }
    if (this.#noticesLeftOut > 0) {
      notices.push({
        kind: "notice",
        code: "notices-dropped",
        containers: [],
        message: `${this.#noticesLeftOut} further notices were left out: they came faster than they were taken`,
      });
      this.#noticesLeftOut = 0;
    }
    return [...lines, ...notices];
  }

  close(): void {
    for (const log of this.#open) log.close();
    this.#open.clear();
  }

  #read(node: string, group: readonly ContainerView[]): void {
    const ids = group.map(({ id }) => id);
    const log = new NodeLog(this.#context, node, ids, this.#wish, {
      lines: (lines) => this.#lines(lines),
      notice: (notice) => this.#notice(notice),
      instead: (placementIds) => this.#keptOf(placementIds),
      ended: (ended) => this.#drop(ended),
    });
    this.#open.add(log);
    void log.open();
  }

  #drop(log: NodeLog): void {
    log.close();
    this.#open.delete(log);
    this.#ring();
  }

  #notice(notice: LogNotice): void {
    if (this.#notices.length >= MAX_WAITING_NOTICES) this.#noticesLeftOut += 1;
    else this.#notices.push(notice);
    this.#ring();
  }

  #lines(lines: readonly LogLine[]): void {
    for (const line of lines) {
      const container = this.#containers.get(line.placementId);
      if (container !== undefined) this.#add({ ...line, kind: "line", ...placeOf(container), from: "container" });
    }
    this.#ring();
  }

  #keptOf(placementIds: readonly string[]): void {
    for (const id of placementIds) {
      const container = this.#containers.get(id);
      if (container !== undefined) this.#keptLines(container);
    }
    this.#ring();
  }

  /** The last lines of the attempt that ended last outlive its container. */
  #keptLines(container: ContainerView): void {
    const { lastExit } = container;
    if (lastExit === undefined) return;
    const { tail = Number.POSITIVE_INFINITY, sinceMs = 0, streams } = this.#wish;
    const wanted = lastExit.lastLines.filter((line) => line.atMs >= sinceMs && streams.includes(line.stream));
    const first = Math.max(0, wanted.length - tail);
    for (const line of wanted.slice(first)) {
      this.#add({ ...line, kind: "line", placementId: container.id, attempt: lastExit.attempt, ...placeOf(container), from: "kept" });
    }
  }

  #add(line: LogItemLine): void {
    if (this.#order.size >= MAX_WAITING_LINES) this.#leftOut += 1;
    else this.#order.add(line, this.#context.clock.monotonicMs());
  }
}

function isReadable(container: ContainerView): boolean {
  return container.node !== undefined && !isOver(container);
}

/** Its agent has forgotten it. */
function isOver({ phase }: ContainerView): boolean {
  return phase === "stopped";
}

function placeOf({ deployment, slot, node }: ContainerView): Pick<LogItemLine, "deployment" | "slot" | "node"> {
  return { deployment, slot, ...(node === undefined ? {} : { node }) };
}
