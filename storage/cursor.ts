/** A cursor that was not given by us. */
export class CursorError extends Error {
  constructor(cursor: string) {
    super(`not a cursor: "${cursor}"; pass the "next" of the page before, unchanged`);
    this.name = "CursorError";
  }
}

export function cursorOf(position: string): string {
  return Buffer.from(position).toString("base64url");
}

export function textOfCursor(cursor: string): string {
  const position = Buffer.from(cursor, "base64url").toString();
  if (cursorOf(position) !== cursor) throw new CursorError(cursor);
  return position;
}

export function numberOfCursor(cursor: string): number {
  const position = Number(textOfCursor(cursor));
  if (!Number.isSafeInteger(position)) throw new CursorError(cursor);
  return position;
}
