import { Agent } from "node:http";
import type { IncomingMessage } from "node:http";
import Docker from "dockerode";
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
const MULTIPLE_CHOICES = 300;
const NOT_MODIFIED = 304;
/** `true` marks an answer; everything else is a failure that carries the engine's words. */
const answerCodes: Readonly<Record<number, true>> = Object.fromEntries(
  [...Array.from({ length: MULTIPLE_CHOICES - 200 }, (_, index) => 200 + index), NOT_MODIFIED].map((code) => [code, true] as const),
);

interface Modem {
  dial(options: Readonly<Record<string, unknown>>, done: (error: unknown, answer: unknown) => void): void;
}

/** The socket of one engine. Every call has a deadline, and rejects with `EngineFailure` alone. */
export class DockerConnection {
  readonly socketPath: string;
  readonly clock: Clock;
  readonly #modem: Modem;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: MAX_IDLE_CONNECTIONS });

  constructor(socketPath: string, clock: Clock) {
    this.socketPath = socketPath;
    this.clock = clock;
    // `host` is set because DOCKER_HOST of the environment would otherwise win over the socket.
    const options = { socketPath, host: undefined, port: undefined, protocol: "http" as const, agent: this.#agent };
    // Its types know only the promise form of `dial`, which hides the error's body.
    this.#modem = new Docker(options).modem as unknown as Modem;
  }

  /** Asks, and checks the shape of the answer. */
  async ask<Schema extends z.ZodType>(request: DockerRequest, schema: Schema): Promise<z.infer<Schema>> {
    const answer = await this.#dial(request, false);
    const parsed = schema.safeParse(answer);
    if (!parsed.success) throw answersNonsense(request.doing, answer, parsed.error);
    return parsed.data;
  }

  /** Asks for something whose answer is of no interest. */
  async command(request: DockerRequest): Promise<void> {
    await this.#dial(request, false);
  }

  /** The answer's body as it comes; it ends with an error when the engine goes away. The request's signal ends it too. */
  async stream(request: DockerRequest): Promise<IncomingMessage> {
    return (await this.#dial(request, true)) as IncomingMessage;
  }

  close(): void {
    this.#agent.destroy();
  }

  #dial(request: DockerRequest, isStream: boolean): Promise<unknown> {
    const { doing, deadlineMs, signal } = request;
    return new Promise((resolve, reject) => {
      const abort = new AbortController();
      const giveUp = (why: string) => {
        reject(engineFailures.engineUnavailable(why));
        abort.abort();
      };
      const calledOff = () => giveUp(`${doing} was called off`);
      if (signal?.aborted === true) return calledOff();
      const timer = this.clock.after(deadlineMs, () => giveUp(`no answer within ${deadlineMs / 1_000} s while ${doing}`));
      signal?.addEventListener("abort", calledOff, { once: true });
      this.#modem.dial(this.#dialled(request, isStream, abort.signal), (error, answer) => {
        timer.cancel();
        if (!isStream || error !== null) signal?.removeEventListener("abort", calledOff);
        if (isStream && error === null) (answer as IncomingMessage).once("close", () => signal?.removeEventListener("abort", calledOff));
        if (error === null) resolve(answer);
        else reject(translateDockerError(error, { ...request, socketPath: this.socketPath }));
      });
    });
  }

  #dialled(request: DockerRequest, isStream: boolean, abortSignal: AbortSignal): Readonly<Record<string, unknown>> {
    return {
      path: `${request.path}?`,
      method: request.method,
      options: { _query: request.query ?? {}, _body: request.body ?? {} },
      isStream,
      abortSignal,
      statusCodes: answerCodes,
    };
  }
}
