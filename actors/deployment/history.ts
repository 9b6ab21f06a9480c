import { allRows } from "../all-rows.ts";
import type { OperationContext } from "../catalogue.ts";
import { cursorOf, positionOf } from "../paging.ts";
import { ChangeView } from "../views.ts";

/** Changes of one deployment or stack looked through; older ones are not found by filters. */
export const MAX_CHANGES_READ = 10_000;

export interface HistoryFilter {
  readonly by?: string | undefined;
  readonly change?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

export interface HistoryPage {
  readonly items: readonly ChangeView[];
  readonly next: string | undefined;
  readonly asOfOffset: number;
  /** Of all changes, before any filter. */
  readonly total: number;
}

/** Newest first. The cursor is the generation of the last change shown, so a page stays where it is while changes are added. */
export async function readHistory(
  context: OperationContext,
  name: string,
  filter: HistoryFilter,
  limit: number,
  cursor: string | undefined,
): Promise<HistoryPage> {
  const { changes, asOfOffset } = await readChanges(context, name);
  const before = cursor === undefined ? Number.POSITIVE_INFINITY : Number(positionOf(cursor));
  const found = changes.filter((change) => change.generation < before && fits(change, filter)).toReversed();
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return {
    items,
    next: last === undefined || found.length <= limit ? undefined : cursorOf(String(last.generation)),
    asOfOffset,
    total: changes.length,
  };
}

async function readChanges(
  { reads }: OperationContext,
  name: string,
): Promise<{ readonly changes: readonly ChangeView[]; readonly asOfOffset: number }> {
  const query = { kind: "change", parent: name };
  const { items, asOfOffset } = await allRows(reads, query, MAX_CHANGES_READ, ({ body }) => ChangeView.parse(body));
  return { changes: items, asOfOffset };
}

function fits(change: ChangeView, { by, change: kind, sinceMs, untilMs }: HistoryFilter): boolean {
  return (
    (by === undefined || change.by === by) &&
    (kind === undefined || change.change === kind) &&
    (sinceMs === undefined || change.atMs >= sinceMs) &&
    (untilMs === undefined || change.atMs <= untilMs)
  );
}
