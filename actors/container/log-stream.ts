import type { OperationContext, StreamItem } from "../catalogue.ts";
import { deploymentRefusals } from "../deployment/refusals.ts";
import { nearestRow } from "../nearest-row.ts";
import { ContainerView } from "../views.ts";
import type { LogItem, LogWish } from "./log-contract.ts";
import { LogReading } from "./log-reading.ts";
import { containerRefusals } from "./refusals.ts";

/** Containers of one deployment that are read. */
const MAX_CONTAINERS = 1_000;
/** New replicas are looked for when something was committed, but not more often than so. */
const LOOK_INTERVAL_MS = 500;

/** A whole deployment or one replica. */
export type LogSource = { readonly kind: "deployment"; readonly name: string } | { readonly kind: "container"; readonly id: string };

interface Position {
  readonly atMs: number;
  /** How many lines with exactly this time were passed on. */
  readonly count: number;
}

/**
 * Log lines of all replicas in the order of their times. While following, replicas that appear are added. What cannot be had is said in a notice: silence
 * would look like a quiet container. The id of a line is its time and a count, from which a reader may resume.
 */
export async function* readLogs(
  context: OperationContext,
  source: LogSource,
  wish: LogWish,
  lastEventId: string | undefined,
): AsyncGenerator<StreamItem> {
  const containers = await find(context, source);
  if (containers === undefined) {
    yield { event: "refusal", data: await notFound(context, source) };
    return;
  }
  const resumed = positionOf(lastEventId);
  const bell = new Bell(context);
  const effective = resumed === undefined ? wish : { ...wish, tail: undefined, sinceMs: resumed.atMs };
  const reading = new LogReading(context, effective, () => bell.ring());
  const ids = new LineIds(resumed);
  try {
    yield { event: "opened", data: { kind: "opened", containers: containers.map(({ id }) => id) } satisfies LogItem };
    reading.show(containers);
    yield* wish.follow ? follow(context, source, reading, bell, ids) : readOnce(context, reading, bell, ids);
  } finally {
    reading.close();
    bell.stop();
  }
}

async function* readOnce(context: OperationContext, reading: LogReading, bell: Bell, ids: LineIds): AsyncGenerator<StreamItem> {
  while (!context.signal.aborted) {
    const rung = bell.next(undefined);
    const isLast = reading.isIdle;
    yield* ids.itemsOf(reading.take());
    if (isLast) {
      yield itemOf({ kind: "end", reason: "complete" });
      return;
    }
    await rung;
  }
}

async function* follow(
  context: OperationContext,
  source: LogSource,
  reading: LogReading,
  bell: Bell,
  ids: LineIds,
): AsyncGenerator<StreamItem> {
  let lookedAtMs = context.clock.monotonicMs();
  let committed = true;
  const commits = context.reads.onCommitted(() => {
    committed = true;
    bell.ring();
  });
  try {
    while (!context.signal.aborted) {
      const sinceLookMs = context.clock.monotonicMs() - lookedAtMs;
      const rung = bell.next(committed ? Math.min(reading.dueInMs ?? LOOK_INTERVAL_MS, LOOK_INTERVAL_MS) : reading.dueInMs);
      yield* ids.itemsOf(reading.take());
      if (committed && sinceLookMs >= LOOK_INTERVAL_MS) {
        committed = false;
        lookedAtMs = context.clock.monotonicMs();
        const containers = await find(context, source);
        reading.show(containers ?? []);
        if (containers === undefined && reading.isIdle) {
          yield* ids.itemsOf(reading.take());
          yield itemOf({ kind: "end", reason: "deleted" });
          return;
        }
      }
      await rung;
    }
  } finally {
    commits.stop();
  }
}

/** Undefined when what is asked for does not exist (any more). */
async function find(context: OperationContext, source: LogSource): Promise<readonly ContainerView[] | undefined> {
  if (source.kind === "container") {
    const { row } = await context.reads.row("container", source.id);
    return row === undefined ? undefined : [ContainerView.parse(row.body)];
  }
  const { items } = await context.reads.rows({ kind: "container", parent: source.name, limit: MAX_CONTAINERS });
  if (items.length > 0) return items.map((row) => ContainerView.parse(row.body));
  const { row } = await context.reads.row("deployment", source.name);
  return row === undefined ? undefined : [];
}

async function notFound(context: OperationContext, source: LogSource) {
  return source.kind === "container"
    ? containerRefusals["container.not-found"]({ id: source.id, nearest: await nearestRow(context.reads, "container", source.id) })
    : deploymentRefusals["deployment.not-found"]({
        name: source.name,
        nearest: await nearestRow(context.reads, "deployment", source.name),
      });
}

function itemOf(item: LogItem): StreamItem {
  return { event: item.kind, data: item };
}

function positionOf(id: string | undefined): Position | undefined {
  const [, atMs, count] = /^(\d{1,15})-(\d{1,9})$/.exec(id ?? "") ?? [];
  return atMs === undefined || count === undefined ? undefined : { atMs: Number(atMs), count: Number(count) };
}

/** Numbers the lines of one millisecond, and leaves out those that a resuming reader has. */
class LineIds {
  readonly #resumed: Position | undefined;
  #atMs = -1;
  #count = 0;

  constructor(resumed: Position | undefined) {
    this.#resumed = resumed;
  }

  *itemsOf(items: readonly LogItem[]): Generator<StreamItem> {
    for (const item of items) {
      if (item.kind !== "line") {
        yield itemOf(item);
        continue;
      }
      this.#count = item.atMs === this.#atMs ? this.#count + 1 : 1;
      this.#atMs = item.atMs;
      if (item.atMs === this.#resumed?.atMs && this.#count <= this.#resumed.count) continue;
      yield { id: `${item.atMs}-${this.#count}`, ...itemOf(item) };
    }
  }
}

/** Rings when there may be something to pass on, after a time at the latest, and when the reader goes. */
class Bell {
  readonly #context: OperationContext;
  readonly #onAbort = (): void => this.ring();
  #waiting: (() => void) | undefined;
  #stopTimer: (() => void) | undefined;

  constructor(context: OperationContext) {
    this.#context = context;
    context.signal.addEventListener("abort", this.#onAbort);
  }

  /** Asked for before looking, so that nothing falls between looking and waiting. */
  next(withinMs: number | undefined): Promise<void> {
    this.#stopTimer?.();
    if (this.#context.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting = resolve;
      const timer = withinMs === undefined ? undefined : this.#context.clock.after(withinMs, this.#onAbort);
      this.#stopTimer = () => timer?.cancel();
    });
  }

  ring(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#waiting?.();
    this.#waiting = undefined;
  }

  stop(): void {
    this.#context.signal.removeEventListener("abort", this.#onAbort);
    this.ring();
  }
}
