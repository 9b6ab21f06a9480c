import type { IncomingMessage } from "node:http";
import type { DockerConnection } from "./docker-connection.ts";
import type { EngineLogLine, LogQuery } from "./port.ts";
import { engineFailures } from "./failures.ts";
import { inspectByName } from "./docker-create.ts";
import { translateDockerError } from "./docker-errors.ts";
import { LineAssembler } from "./docker-log-lines.ts";

const OPEN_DEADLINE_MS = 20_000;
const FRAME_HEADER_BYTES = 8;
const STDERR_FRAME = 2;
/** Engines cut messages at 16 KiB; a frame beyond this is not of an engine's log. */
const MAX_FRAME_BYTES = 1_048_576;

/** Lines of one container in the order the engine keeps them. Reads no further ahead than a socket's buffer while the reader is busy. */
export async function* readLogs(connection: DockerConnection, containerId: string, query: LogQuery): AsyncGenerator<EngineLogLine> {
  const doing = `reading the logs of ${containerId.slice(0, 12)}`;
  if (query.signal.aborted) return;
  const container = await inspectByName(connection, containerId);
  if (container === undefined) throw engineFailures.engineError(doing, "there is no such container");
  let body: IncomingMessage | undefined;
  try {
    body = await connection.stream({
      method: "GET",
      path: `/containers/${containerId}/logs`,
      query: parameters(query),
      doing,
      deadlineMs: OPEN_DEADLINE_MS,
      signal: query.signal,
    });
    const lines = container.Config.Tty ? linesOfTerminal(body) : linesOfFrames(body);
    for await (const line of lines) {
      if (query.signal.aborted) return;
      // The engine compares whole seconds on some versions.
      if (query.sinceMs === undefined || line.atMs >= query.sinceMs) yield line;
    }
  } catch (error) {
    if (query.signal.aborted) return;
    throw translateDockerError(error, { doing, socketPath: connection.socketPath });
  } finally {
    body?.destroy();
  }
}

function parameters(query: LogQuery): Readonly<Record<string, unknown>> {
  return {
    follow: query.follow,
    stdout: query.streams.includes("stdout"),
    stderr: query.streams.includes("stderr"),
    timestamps: true,
    ...(query.tail === undefined ? {} : { tail: query.tail }),
    ...(query.sinceMs === undefined ? {} : { since: (query.sinceMs / 1_000).toFixed(3) }),
  };
}

/** stdout and stderr share the connection, each message in a frame: stream number, three zeros, length (big endian), message. */
async function* linesOfFrames(body: IncomingMessage): AsyncGenerator<EngineLogLine> {
  const assemblers = { stdout: new LineAssembler("stdout"), stderr: new LineAssembler("stderr") };
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of body) {
    pending = pending.length === 0 ? (chunk as Buffer) : Buffer.concat([pending, chunk as Buffer]);
    let offset = 0;
    while (pending.length - offset >= FRAME_HEADER_BYTES) {
      const length = pending.readUInt32BE(offset + 4);
      if (length > MAX_FRAME_BYTES) throw new Error(`a log frame of ${length} bytes`);
      const end = offset + FRAME_HEADER_BYTES + length;
      if (pending.length < end) break;
      const assembler = pending[offset] === STDERR_FRAME ? assemblers.stderr : assemblers.stdout;
      yield* assembler.message(pending.subarray(offset + FRAME_HEADER_BYTES, end));
      offset = end;
    }
    pending = pending.subarray(offset);
  }
  yield* assemblers.stdout.finish();
  yield* assemblers.stderr.finish();
}

/** A terminal has one stream and no frames; the engine still begins each message with its time. */
async function* linesOfTerminal(body: IncomingMessage): AsyncGenerator<EngineLogLine> {
  const assembler = new LineAssembler("stdout");
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of body) {
    pending = Buffer.concat([pending, chunk as Buffer]);
    let newline = pending.indexOf(10);
    while (newline >= 0) {
      yield* assembler.message(pending.subarray(0, newline + 1));
      pending = pending.subarray(newline + 1);
      newline = pending.indexOf(10);
    }
    if (pending.length > MAX_FRAME_BYTES) pending = pending.subarray(0, MAX_FRAME_BYTES);
  }
  if (pending.length > 0) yield* assembler.message(pending);
  yield* assembler.finish();
}
