import type { EngineLogLine } from "./port.ts";

/** A longer line is cut here, and says how much is missing. */
export const MAX_LOG_LINE_BYTES = 16_384;

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
/** `2026-11-22T11:03:56.330553993Z` and the space after it; offsets like `+01:00` fit too. */
const MAX_TIMESTAMP_BYTES = 40;

/** Puts together what the engine splits: it cuts messages at 16 KiB, each piece with a time of its own, the last with the newline. */
export class LineAssembler {
  readonly #stream: "stdout" | "stderr";
  #atMs: number | undefined;
  #pieces: Buffer[] = [];
  #keptBytes = 0;
  #cutBytes = 0;

  constructor(stream: "stdout" | "stderr") {
    this.#stream = stream;
  }

  *message(message: Buffer): Generator<EngineLogLine> {
    const { atMs, textStart } = readTimestamp(message);
    const isLast = message.at(-1) === NEWLINE;
    let textEnd = isLast ? message.length - 1 : message.length;
    if (isLast && textEnd > textStart && message[textEnd - 1] === CARRIAGE_RETURN) textEnd -= 1;
    this.#atMs ??= atMs;
    this.#keep(message.subarray(Math.min(textStart, textEnd), textEnd));
    if (isLast) yield* this.finish();
  }

  /** What is left when the output ends without a newline. */
  *finish(): Generator<EngineLogLine> {
    if (this.#atMs === undefined) return;
    const text = Buffer.concat(this.#pieces).toString("utf8");
    const cut = this.#cutBytes === 0 ? "" : ` [line cut: ${this.#cutBytes} more bytes]`;
    const line = { stream: this.#stream, atMs: this.#atMs, text: text + cut };
    this.#atMs = undefined;
    this.#pieces = [];
    this.#keptBytes = 0;
    this.#cutBytes = 0;
    yield line;
  }

  #keep(bytes: Buffer): void {
    const kept = bytes.subarray(0, MAX_LOG_LINE_BYTES - this.#keptBytes);
    if (kept.length > 0) this.#pieces.push(kept);
    this.#keptBytes += kept.length;
    this.#cutBytes += bytes.length - kept.length;
  }
}

/** Nanoseconds are cut to milliseconds. A message without a readable time counts as of the epoch and keeps all its text. */
function readTimestamp(message: Buffer): { readonly atMs: number; readonly textStart: number } {
  const space = message.subarray(0, MAX_TIMESTAMP_BYTES).indexOf(SPACE);
  const end = space < 0 ? Math.min(message.length, MAX_TIMESTAMP_BYTES) : space;
  const atMs = Date.parse(message.toString("latin1", 0, end).trim());
  return Number.isNaN(atMs) ? { atMs: 0, textStart: 0 } : { atMs, textStart: space < 0 ? end : space + 1 };
}
