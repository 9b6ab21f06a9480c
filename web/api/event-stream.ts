import type { FastifyReply, FastifyRequest } from "fastify";
import type { StreamItem } from "../../actors/catalogue.ts";
import { AskFailure } from "../../runtime/actor.ts";
import type { Clock } from "../../runtime/clock.ts";
import { isRefusal, type Refusal } from "../../runtime/refusal.ts";
import type { Log } from "../../runtime/log.ts";
import { apiRefusals } from "./errors.ts";
import { pathOf, problemOf, refusalOfAskFailure, sendProblem } from "./problems.ts";

/** A comment so often keeps proxies from closing a quiet stream, and lets us notice that the reader is gone. */
export const HEARTBEAT_INTERVAL_MS = 15_000;
/** How long the answer waits for a first item, which may be a refusal, before it begins regardless. */
const FIRST_ITEM_WAIT_MS = 2_000;
/** Streams at once; one more is refused. */
export const MAX_STREAMS = 1_000;
/** What a browser waits before it resumes. */
const RECONNECT_DELAY_MS = 1_000;

/** Streams under way, so that the end of the server ends them. */
export class StreamRegistry {
  readonly #open = new Set<AbortController>();

  add(stream: AbortController): void {
    this.#open.add(stream);
  }

  delete(stream: AbortController): void {
    this.#open.delete(stream);
  }

  get size(): number {
    return this.#open.size;
  }

  endAll(): void {
    for (const stream of this.#open) stream.abort();
  }
}

interface StreamPorts {
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Sends the items as server-sent events until they end or the reader goes. The reader's pace is the source's pace: the next item is only asked for
 * when the last one has left. A refusal as first item is the answer; later ones arrive as an event `problem`, and end the stream.
 */
export async function streamEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  items: AsyncIterable<StreamItem>,
  left: AbortController,
  ports: StreamPorts,
  streams: StreamRegistry,
): Promise<FastifyReply> {
  if (streams.size >= MAX_STREAMS) return sendProblem(request, reply, apiRefusals["streams.too-many"]({ limit: MAX_STREAMS }));
  const source = items[Symbol.asyncIterator]();
  streams.add(left);
  try {
    const first = outcomeOf(source, request);
    const early = await Promise.race([first, wait(ports.clock, FIRST_ITEM_WAIT_MS, left.signal)]);
    if (early?.kind === "refusal") return sendProblem(request, reply, early.refusal);
    begin(reply);
    await pump(request, reply, source, first, left.signal, ports);
    if (!reply.raw.destroyed) reply.raw.end();
  } finally {
    streams.delete(left);
    left.abort();
    // A source that is not between two items answers only once it has noticed the abort.
    source
      .return?.()
      .catch((error: unknown) => ports.log.error("a stream's source failed while ending", { error, correlationId: request.id }));
  }
  return reply;
}

type Outcome =
  | { readonly kind: "item"; readonly item: StreamItem }
  | { readonly kind: "refusal"; readonly refusal: Refusal; readonly error?: unknown }
  | { readonly kind: "end" };

async function outcomeOf(source: AsyncIterator<StreamItem>, request: FastifyRequest): Promise<Outcome> {
  try {
    const next = await source.next();
    if (next.done === true) return { kind: "end" };
    return isRefusal(next.value.data) ? { kind: "refusal", refusal: next.value.data } : { kind: "item", item: next.value };
  } catch (error) {
    const refusal =
      error instanceof AskFailure
        ? refusalOfAskFailure(error, request.routeOptions.config.operation ?? "The stream")
        : apiRefusals.internal({ correlationId: request.id });
    return { kind: "refusal", refusal, error };
  }
}

function begin(reply: FastifyReply): void {
  reply.type("text/event-stream; charset=utf-8").header("x-accel-buffering", "no");
  reply.hijack();
  reply.raw.writeHead(200, reply.getHeaders() as Record<string, string>);
  reply.raw.write(`retry: ${RECONNECT_DELAY_MS}\n\n`);
}

async function pump(
  request: FastifyRequest,
  reply: FastifyReply,
  source: AsyncIterator<StreamItem>,
  first: Promise<Outcome>,
  signal: AbortSignal,
  ports: StreamPorts,
): Promise<void> {
  let next = first;
  while (!signal.aborted) {
    const outcome = await withHeartbeats(next, signal, reply, ports.clock);
    if (outcome === undefined || outcome.kind === "end") return;
    if (outcome.kind === "refusal") {
      if (outcome.error !== undefined) ports.log.error("a stream failed", { error: outcome.error, correlationId: request.id });
      await write(reply, eventText({ event: "problem", data: problemOf(outcome.refusal, pathOf(request.url), request.id) }), signal);
      return;
    }
    await write(reply, eventText(outcome.item), signal);
    next = outcomeOf(source, request);
  }
}

async function withHeartbeats(next: Promise<Outcome>, left: AbortSignal, reply: FastifyReply, clock: Clock): Promise<Outcome | undefined> {
  let timer = clock.after(HEARTBEAT_INTERVAL_MS, beat);
  function beat(): void {
    // With bytes still waiting for the reader, one more would only add to them.
    if (reply.raw.writableLength === 0) reply.raw.write(": still here\n\n");
    timer = clock.after(HEARTBEAT_INTERVAL_MS, beat);
  }
  try {
    return await unlessLeft(next, left);
  } finally {
    timer.cancel();
  }
}

async function write(reply: FastifyReply, text: string, left: AbortSignal): Promise<void> {
  if (reply.raw.destroyed || reply.raw.write(text)) return;
  let drained: () => void = () => undefined;
  const drain = new Promise<void>((resolve) => {
    drained = resolve;
    reply.raw.once("drain", drained);
  });
  await unlessLeft(drain, left);
  reply.raw.off("drain", drained);
}

/**
 * Undefined once the reader has left. With a promise of its leaving for each wait: one for the whole stream would hold on to every race that it took
 * part in, and so to every item that was sent.
 */
async function unlessLeft<Value>(awaited: Promise<Value>, left: AbortSignal): Promise<Value | undefined> {
  let leave: () => void = () => undefined;
  const leaving = new Promise<undefined>((resolve) => {
    leave = () => resolve(undefined);
    if (left.aborted) leave();
    else left.addEventListener("abort", leave, { once: true });
  });
  try {
    return await Promise.race([awaited, leaving]);
  } finally {
    left.removeEventListener("abort", leave);
  }
}

/** JSON has no line breaks of its own, so one `data` line is always enough. */
function eventText(item: StreamItem): string {
  const id = item.id === undefined ? "" : `id: ${item.id}\n`;
  return `${id}event: ${item.event}\ndata: ${JSON.stringify(item.data)}\n\n`;
}

async function wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const timer = clock.after(delayMs, done);
    function done(): void {
      timer.cancel();
      signal.removeEventListener("abort", done);
      resolve(undefined);
    }
    signal.addEventListener("abort", done, { once: true });
  });
}
