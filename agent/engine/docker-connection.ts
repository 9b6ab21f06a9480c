import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import type { z } from "zod";
import type { Clock } from "../../runtime/clock.ts";
import { engineFailures } from "./failures.ts";
import { answersNonsense, translateDockerError } from "./docker-errors.ts";

/** What the engine is asked, and how a failure of it is told. */
export interface DockerRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** Without its query; parts that come from people are encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  /** A tar archive, sent as it comes, instead of `body`. */
  readonly archive?: AsyncIterable<Buffer>;
  /** Completes "the engine failed while ...". */
  readonly doing: string;
  /** Until the answer, or a stream's beginning; after it the call fails as engine.unavailable. Milliseconds. */
  readonly deadlineMs: number;
  /** For the wording of a failure. */
  readonly reference?: string;
  readonly signal?: AbortSignal;
}

/** Idle connections kept for the next call. Streams have connections of their own. */
const MAX_IDLE_CONNECTIONS = 4;
/** A longer answer is not the engine's. The longest is the list of a node full of containers, at 2 KiB each. */
const MAX_ANSWER_BYTES = 32 * 1_048_576;
const NOT_MODIFIED = 304;

/** The engine refused: its status and its own sentence. */
class EngineRefusal extends Error {
  readonly statusCode: number;
  constructor(statusCode: number, message: string) {
    super(message);
    this.name = "EngineRefusal";
    this.statusCode = statusCode;
  }
}

/**
 * The socket of one engine. Every call has a deadline, and rejects with `EngineFailure` alone. Node's own HTTP client rather than dockerode, whose transport
 * formats every request for a log nobody reads: without it an agent that starts 10 containers needs 0.13 s of processor time, not 1.2 s, and 33 MB less.
 */
export class DockerConnection {
  readonly socketPath: string;
  readonly clock: Clock;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: MAX_IDLE_CONNECTIONS });

  constructor(socketPath: string, clock: Clock) {
    this.socketPath = socketPath;
    this.clock = clock;
  }

  /** Asks, and checks the shape of the answer. */
  async ask<Schema extends z.ZodType>(request: DockerRequest, schema: Schema): Promise<z.infer<Schema>> {
    const answer = parsedJson(await this.#within(request, async (response) => wholeText(response)));
    const parsed = schema.safeParse(answer);
    if (!parsed.success) throw answersNonsense(request.doing, answer, parsed.error);
    return parsed.data;
  }

  /** Asks for something whose answer is of no interest. */
  async command(request: DockerRequest): Promise<void> {
    await this.#within(request, async (response) => wholeText(response));
  }

  /** The answer's body as it comes; it ends with an error when the engine goes away. The request's signal ends it too. */
  stream(request: DockerRequest): Promise<IncomingMessage> {
    return this.#within(request, async (response, release) => {
      response.once("close", release);
      return response;
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Sends, and hands a good answer to `take`, which calls `release` when the caller's signal no longer matters; else that is when it resolves. */
  #within<Value>(request: DockerRequest, take: (response: IncomingMessage, release: () => void) => Promise<Value>): Promise<Value> {
    const { doing, deadlineMs, signal } = request;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(engineFailures.engineUnavailable(`${doing} was called off`));
      let call: ClientRequest | undefined;
      const giveUp = (why: string): void => {
        reject(engineFailures.engineUnavailable(why));
        call?.destroy();
      };
      const calledOff = (): void => giveUp(`${doing} was called off`);
      const release = (): void => signal?.removeEventListener("abort", calledOff);
      const fail = (error: unknown): void => reject(translateDockerError(error, { ...request, socketPath: this.socketPath }));
      const timer = this.clock.after(deadlineMs, () => giveUp(`no answer within ${deadlineMs / 1_000} s while ${doing}`));
      signal?.addEventListener("abort", calledOff, { once: true });
      const settled = (): void => {
        timer.cancel();
        release();
      };
      call = this.#send(request, (response) => {
        const isGood = (response.statusCode ?? 0) < 300 || response.statusCode === NOT_MODIFIED;
        const answer = isGood ? take(response, release) : refusalOf(response);
        answer.then(resolve, fail).finally(() => (isGood && !response.readableEnded && !response.destroyed ? timer.cancel() : settled()));
      });
      call.on("error", (error) => {
        settled();
        fail(error);
      });
    });
  }

  #send({ method, path, query, body, archive }: DockerRequest, answered: (response: IncomingMessage) => void): ClientRequest {
    const text = body === undefined ? "" : JSON.stringify(body);
    const call = httpRequest(
      {
        socketPath: this.socketPath,
        agent: this.#agent,
        method,
        path: `${path}${queryText(query)}`,
        headers: {
          host: "docker",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(archive === undefined ? {} : { "content-type": "application/x-tar" }),
          ...(method === "GET" || archive !== undefined ? {} : { "content-length": Buffer.byteLength(text) }),
        },
      },
      answered,
    );
    if (archive === undefined) call.end(text);
    // What fails here fails the call, which tells it.
    else void pipeline(archive, call).catch((error: Error) => call.destroy(error));
    return call;
  }
}

function queryText(query: DockerRequest["query"]): string {
  const pairs = Object.entries(query ?? {}).flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key, typeof value === "string" ? value : JSON.stringify(value)]],
  );
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs).toString()}`;
}

async function wholeText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function refusalOf(response: IncomingMessage): Promise<never> {
  const text = await wholeText(response);
  const { message } = parsedJson(text) as { readonly message?: unknown };
  throw new EngineRefusal(response.statusCode ?? 0, typeof message === "string" ? message : text);
}

/** The text itself where it is not JSON. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) ?? text;
  } catch {
    return text;
  }
}
