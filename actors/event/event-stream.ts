import type { OperationContext, StreamItem } from "../catalogue.ts";
import type { Address } from "../../runtime/address.ts";
import { eventView } from "./event-view.ts";
import { eventRefusals } from "./refusals.ts";

const READ_EVENTS = 200;

/**
 * Events after a position, then new ones as they are committed, until the reader goes. The id of an item is its offset, so a reader who resumes with it
 * gets the next one: none lost, none twice.
 */
export async function* followEvents(
  context: OperationContext,
  stream: Address | undefined,
  afterOffset: number | undefined,
  lastEventId: string | undefined,
): AsyncGenerator<StreamItem> {
  const news = new NewsBell(context);
  try {
    const newest = (await context.reads.events({ afterOffset: Number.MAX_SAFE_INTEGER, limit: 1 })).asOfOffset;
    const wanted = lastEventId === undefined ? String(afterOffset ?? newest) : lastEventId;
    let position = /^\d{1,15}$/.test(wanted) ? Number(wanted) : Number.POSITIVE_INFINITY;
    if (position > newest) {
      yield { event: "refusal", data: eventRefusals["events.unknown-position"]({ position: wanted, newest }) };
      return;
    }
    yield { id: String(position), event: "opened", data: { kind: "opened", afterOffset: position } };
    while (!context.signal.aborted) {
      const rung = news.next();
      const page = await context.reads.events({ afterOffset: position, limit: READ_EVENTS, ...(stream === undefined ? {} : { stream }) });
      for (const event of page.items) {
        yield { id: String(event.offset), event: "event", data: { kind: "event", ...eventFields(event) } };
        position = event.offset;
      }
      if (page.next === undefined) {
        position = Math.max(position, page.asOfOffset);
        await rung;
      }
    }
  } finally {
    news.stop();
  }
}

function eventFields(event: Parameters<typeof eventView>[0]) {
  return { event: eventView(event) };
}

/** Rings when something was committed, or the reader went. Asked for before looking, so that nothing falls between looking and waiting. */
class NewsBell {
  readonly #subscription: { stop(): void };
  readonly #signal: AbortSignal;
  readonly #ring: () => void;
  #waiting: (() => void) | undefined;

  constructor({ reads, signal }: OperationContext) {
    this.#ring = () => {
      this.#waiting?.();
      this.#waiting = undefined;
    };
    this.#signal = signal;
    this.#subscription = reads.onCommitted(this.#ring);
    signal.addEventListener("abort", this.#ring);
  }

  next(): Promise<void> {
    return this.#signal.aborted ? Promise.resolve() : new Promise((resolve) => (this.#waiting = resolve));
  }

  stop(): void {
    this.#subscription.stop();
    this.#signal.removeEventListener("abort", this.#ring);
    this.#ring();
  }
}
