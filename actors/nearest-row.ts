import { nearestName } from "../runtime/nearest-name.ts";
import type { ReadModel } from "../runtime/journal.ts";

/** Names compared with a mistyped one. */
const MAX_NAMES = 1_000;

/** What a person most likely meant who named something that does not exist. */
export async function nearestRow(reads: ReadModel, kind: string, id: string): Promise<string | undefined> {
  const { items } = await reads.rows({ kind, limit: MAX_NAMES });
  return nearestName(
    id,
    items.map((row) => row.id),
  );
}
