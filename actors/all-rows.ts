import type { ReadModel, Row, RowQuery } from "../runtime/journal.ts";

/** Rows taken in at once: a millisecond or two of work, then it is somebody else's turn. */
const PORTION_ROWS = 200;

/** All rows that a question finds, by id, up to a bound, each read as it comes. */
export async function allRows<Result>(
  reads: ReadModel,
  query: Omit<RowQuery, "limit" | "cursor">,
  maxRows: number,
  read: (row: Row) => Result,
): Promise<{ readonly items: readonly Result[]; readonly asOfOffset: number }> {
  const items: Result[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await reads.rows({ ...query, limit: PORTION_ROWS, ...(cursor === undefined ? {} : { cursor }) });
    for (const row of page.items) items.push(read(row));
    cursor = page.next;
    if (cursor === undefined || items.length >= maxRows) return { items, asOfOffset: page.asOfOffset };
  }
}
