import { type Output, SHOW_CURSOR_AND_WRAP } from "./output.ts";

export interface LiveRegion {
  /** Replaces what is shown. */
  readonly draw: (lines: readonly string[]) => void;
  /** Leaves the last picture standing. */
  readonly end: () => void;
}

/** A line that wrapped would take two rows, and the next picture would be drawn one row too low: what is too long is cut by the terminal. */
const HIDE_CURSOR_AND_WRAP = "\u001b[?25l\u001b[?7l";
const TO_END_OF_LINE = "\u001b[K";
const TO_END_OF_SCREEN = "\u001b[J";

/** Lines at the bottom of a terminal, redrawn in place. Never taller than the screen: what does not fit is counted. */
export function openLiveRegion(out: Output): LiveRegion {
  let height = 0;
  out.raw(HIDE_CURSOR_AND_WRAP);
  return {
    draw(lines) {
      const most = Math.max(3, out.rows() - 1);
      const shown = lines.length <= most ? lines : [...lines.slice(0, most - 1), `  … and ${lines.length - most + 1} more`];
      const up = height === 0 ? "\r" : `\u001b[${height}A\r`;
      out.raw(`${up}${shown.map((line) => `${line}${TO_END_OF_LINE}\n`).join("")}${TO_END_OF_SCREEN}`);
      height = shown.length;
    },
    end() {
      out.raw(SHOW_CURSOR_AND_WRAP);
      height = 0;
    },
  };
}
