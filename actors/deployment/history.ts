import type { OperationContext } from "../catalogue.ts";
import { cursorOf, positionOf } from "../paging.ts";
import { ChangeView } from "../views.ts";

/** Changes of one deployment looked through; older ones are not found by filters. */
const MAX_CHANGES_READ = 10_000;
const READ_PAGE_ITEMS = 1_000;

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
  context: OperationContext,
  name: string,
): Promise<{ readonly changes: readonly ChangeView[]; readonly asOfOffset: number }> {
  const { bodies, asOfOffset } = await readRowsOf(context, "change", name);
  return { changes: bodies.map((body) => ChangeView.parse(body)), asOfOffset };
}

/** All rows of a kind below one parent, oldest first, up to the bound. */
export async function readRowsOf(
  { reads }: OperationContext,
  kind: string,
  parent: string,
): Promise<{ readonly bodies: readonly unknown[]; readonly asOfOffset: number }> {
  const bodies: unknown[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await reads.rows({ kind, parent, limit: READ_PAGE_ITEMS, ...(cursor === undefined ? {} : { cursor }) });
    bodies.push(...page.items.map(({ body }) => body));
    cursor = page.next;
    if (cursor === undefined || bodies.length >= MAX_CHANGES_READ) return { bodies, asOfOffset: page.asOfOffset };
  }
}

function fits(change: ChangeView, { by, change: kind, sinceMs, untilMs }: HistoryFilter): boolean {
  return (
    (by === undefined || change.by === by) &&
    (kind === undefined || change.change === kind) &&
    (sinceMs === undefined || change.atMs >= sinceMs) &&
    (untilMs === undefined || change.atMs <= untilMs)
  );
}
