import { writeSync } from "node:fs";

/** Where a command writes. Data goes to stdout, everything said beside it to stderr, so that a pipe gets data alone. */
export interface Output {
  /** stdout is a terminal. */
  readonly isTerminal: boolean;
  readonly json: boolean;
  /** Columns of the terminal; Infinity when there is none, so that nothing is cut. */
  readonly width: () => number;
  readonly rows: () => number;
  readonly line: (text: string) => void;
  /** Without a newline; for what redraws itself. */
  readonly raw: (text: string) => void;
  readonly note: (text: string) => void;
  /** One document on one line for streams, else indented. */
  readonly document: (value: unknown, shape?: "document" | "line") => void;
  readonly paint: (colour: Colour, text: string) => string;
  /** Resolves when a slow reader has caught up. */
  readonly drained: () => Promise<void>;
}

export type Colour = "green" | "yellow" | "red" | "cyan" | "dim" | "bold";
const codes: Readonly<Record<Colour, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

const FALLBACK_COLUMNS = 100;
const FALLBACK_ROWS = 30;

export function openOutput(options: { readonly json: boolean; readonly env: NodeJS.ProcessEnv }): Output {
  const { stdout, stderr } = process;
  const isTerminal = stdout.isTTY;
  const colour = isTerminal && !options.json && (options.env.NO_COLOR ?? "") === "" && options.env.TERM !== "dumb";
  return {
    isTerminal,
    json: options.json,
    width: () => (isTerminal ? stdout.columns || FALLBACK_COLUMNS : Number.POSITIVE_INFINITY),
    rows: () => (isTerminal ? stdout.rows || FALLBACK_ROWS : Number.POSITIVE_INFINITY),
    line: (text) => void stdout.write(`${text}\n`),
    raw: (text) => void stdout.write(text),
    note: (text) => void stderr.write(`${text}\n`),
    document: (value, shape = "document") => void stdout.write(`${JSON.stringify(value, undefined, shape === "line" ? 0 : 2)}\n`),
    paint: (name, text) => (colour && text !== "" ? `\u001b[${codes[name]}m${text}\u001b[0m` : text),
    drained: () => (stdout.writableNeedDrain ? new Promise((resolve) => stdout.once("drain", () => resolve())) : Promise.resolve()),
  };
}

/** Whatever a container or a person wrote, made harmless for a terminal: no escape sequences, one line. */
export function plain(text: string): string {
  return text
    .replaceAll(/\s*\n\s*/g, " ")
    .replaceAll(ESCAPES, "")
    .replaceAll(CONTROLS, "");
}

/** Like `plain`, but keeps colours and tabs: log lines on a terminal. */
export function harmless(text: string): string {
  return text
    .replaceAll(ESCAPES, (sequence) => (sequence.endsWith("m") && sequence.startsWith("\u001b[") ? sequence : ""))
    .replaceAll(CONTROLS_NOT_COLOUR, "");
}

/** What a terminal is given back after drawing. */
export const SHOW_CURSOR_AND_WRAP = "\u001b[?25h\u001b[?7h";

/** Gives the cursor back, also when the process ends in the middle of drawing. */
export function showCursorAtExit(): void {
  process.once("exit", () => {
    if (process.stdout.isTTY) writeSync(process.stdout.fd, SHOW_CURSOR_AND_WRAP);
  });
}

/* oxlint-disable no-control-regex -- control characters are what these look for */
const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/g;
const CONTROLS_NOT_COLOUR = /[\u0000-\u0008\u000a-\u001a\u001c-\u001f\u007f-\u009f]|\u001b(?!\[[0-9;]*m)/g;
/* oxlint-enable no-control-regex */
