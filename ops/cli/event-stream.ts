import type { IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { type Api, type ApiCall, notRunning, problemOf, unreachable } from "./client.ts";
import { isConnectionLost, isNotListening, openExchange } from "./exchange.ts";
import { type Problem, Stop, stopOf } from "./stop.ts";

export interface StreamEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: unknown;
}

export interface Following {
  readonly path: string;
  readonly query: NonNullable<ApiCall["query"]>;
  readonly signal: AbortSignal;
  /** The stream has an end of its own: when the server closes it cleanly, it is complete. */
  readonly ends: boolean;
  readonly onLost?: () => void;
}

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;
/** Without the control plane for so long, following is given up. */
const GIVE_UP_AFTER_MS = 60_000;
/** A line longer than this is not ours. */
const MAX_PENDING_CHARS = 8 * 2 ** 20;

/** Server-sent events, across lost connections: resumed by the last id seen, nothing twice. */
export async function* follow(api: Api, following: Following): AsyncGenerator<StreamEvent> {
  let lastId: string | undefined;
  let lostAtMs: number | undefined;
  let retryMs = FIRST_RETRY_MS;
  let isFirst = true;
  while (!following.signal.aborted) {
    try {
      const response = await connect(api, following, lastId);
      isFirst = false;
      for await (const event of parse(response)) {
        lostAtMs = undefined;
        retryMs = FIRST_RETRY_MS;
        lastId = event.id ?? lastId;
        if (event.event === "problem") throw stopOf(event.data as Problem);
        yield event;
      }
      if (following.ends) return;
    } catch (cause) {
      if (following.signal.aborted) return;
      if (cause instanceof Stop) throw cause;
      if (isFirst && isNotListening(cause)) throw notRunning(api.access(), cause);
      if (isFirst || !isConnectionLost(cause)) throw unreachable(api.access(), cause);
    }
    if (lostAtMs === undefined) following.onLost?.();
    lostAtMs ??= performance.now();
    if (performance.now() - lostAtMs > GIVE_UP_AFTER_MS) throw unreachable(api.access(), new Error("the connection was lost a minute ago"));
    await delay(retryMs, undefined, { signal: following.signal }).catch(() => undefined);
    retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
  }
}

async function connect(api: Api, following: Following, lastId: string | undefined): Promise<IncomingMessage> {
  const response = await openExchange(api.access(), {
    method: "GET",
    url: api.urlOf(following.path, following.query),
    body: undefined,
    headers: { accept: "text/event-stream", ...(lastId !== undefined && { "last-event-id": lastId }) },
    signal: following.signal,
  });
  if (response.statusCode === 200) return response;
  let body = "";
  for await (const chunk of response.setEncoding("utf8")) body += String(chunk);
  if (response.statusCode === 401 && api.renew() === "renewed") return connect(api, following, lastId);
  const stop = stopOf(problemOf({ status: response.statusCode ?? 0, body, dateMs: undefined, correlationId: undefined }));
  // A control plane that is just starting says "not yet"; that is a lost connection as far as a follower is concerned.
  if (stop.exit === "unavailable" && lastId !== undefined) throw Object.assign(new Error(stop.message), { code: "ECONNRESET" });
  throw stop;
}

/** The format of WHATWG's EventSource, as far as our server writes it: `id`, `event`, `data`, comments. */
export async function* parse(chunks: AsyncIterable<Buffer | string>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let pending = "";
  let fields = empty();
  for await (const chunk of chunks) {
    pending += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    if (pending.length > MAX_PENDING_CHARS) throw new Error("a line of the stream is too long");
    const lines = pending.split(/\r\n|\n|\r(?!$)/);
    pending = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (fields.data.length > 0) yield { id: fields.id, event: fields.event, data: dataOf(fields.data) };
        fields = empty();
      } else {
        take(fields, line);
      }
    }
  }
}

interface Fields {
  id: string | undefined;
  event: string;
  data: string[];
}

function empty(): Fields {
  return { id: undefined, event: "message", data: [] };
}

function take(fields: Fields, line: string): void {
  const [name, value] = line.includes(":")
    ? [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).replace(/^ /, "")]
    : [line, ""];
  if (name === "id") fields.id = value;
  else if (name === "event") fields.event = value;
  else if (name === "data") fields.data.push(value);
}

function dataOf(lines: readonly string[]): unknown {
  const text = lines.join("\n");
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
