import type { Colour, Output } from "./output.ts";
import { plain } from "./output.ts";

export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
}

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Cut first, down to this many characters, when the terminal is too narrow. Absent: never cut. */
  readonly least?: number;
}

const GAP = "  ";

/** Aligned lines, the head first. Only a terminal cuts; a pipe gets every character. */
export function table(out: Output, columns: readonly Column[], rows: readonly (readonly (Cell | string)[])[]): readonly string[] {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === "string" ? { text: plain(cell) } : { ...cell, text: plain(cell.text) })),
  );
  const natural = columns.map((column, index) => Math.max(column.title.length, ...cells.map((row) => row[index]?.text.length ?? 0)));
  const widths = fit(columns, natural, out.width());
  const head = columns.map((column, index) => out.paint("dim", pad(column.title, widths[index] ?? 0, column.align))).join(GAP);
  const body = cells.map((row) =>
    row
      .map((cell, index) => {
        const text = pad(cut(cell.text, widths[index] ?? 0), index === row.length - 1 ? 0 : (widths[index] ?? 0), columns[index]?.align);
        return cell.colour === undefined ? text : out.paint(cell.colour, text);
      })
      .join(GAP)
      .trimEnd(),
  );
  return [head.trimEnd(), ...body];
}

/** Takes what is too much from the widest column that may be cut, again and again. */
function fit(columns: readonly Column[], natural: readonly number[], available: number): readonly number[] {
  const widths = [...natural];
  const total = (): number => widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1);
  while (total() > available) {
    let widest: number | undefined;
    for (const [index, column] of columns.entries()) {
      const canShrink = column.least !== undefined && (widths[index] ?? 0) > Math.max(column.least, column.title.length);
      if (canShrink && (widest === undefined || (widths[index] ?? 0) > (widths[widest] ?? 0))) widest = index;
    }
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  return align === "right" ? text.padStart(width) : text.padEnd(width);
}
