import { cut } from "./table.ts";
import type { Output } from "./output.ts";

export interface LiveRegion {
  /** Replaces what is shown. */
  readonly draw: (lines: readonly string[]) => void;
  /** Leaves the last picture standing, or nothing. */
  readonly end: (leave: "picture" | "nothing") => void;
}

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const TO_END_OF_SCREEN = "\u001b[J";

/** Lines at the bottom of a terminal, redrawn in place. Never taller than the screen: what does not fit is counted. */
export function openLiveRegion(out: Output): LiveRegion {
  let height = 0;
  const up = (): string => (height === 0 ? "\r" : `\u001b[${height}A\r`);
  out.raw(HIDE_CURSOR);
  return {
    draw(lines) {
      const most = Math.max(3, out.rows() - 1);
      const shown = lines.length <= most ? lines : [...lines.slice(0, most - 1), `  … and ${lines.length - most + 1} more`];
      out.raw(`${up()}${TO_END_OF_SCREEN}${shown.map((line) => `${line}\n`).join("")}`);
      height = shown.length;
    },
    end(leave) {
      out.raw(`${leave === "picture" ? "" : `${up()}${TO_END_OF_SCREEN}`}${SHOW_CURSOR}`);
      height = 0;
    },
  };
}

/** A single line that never wraps, without colours. */
export function oneLine(out: Output, text: string): string {
  return cut(text, out.width());
}
