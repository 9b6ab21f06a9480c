import type { Reply } from "../runtime/actor.ts";
import { nearestName } from "../runtime/nearest-name.ts";
import type { ReadModel } from "../runtime/journal.ts";
import { isRefusal, type Refusal } from "../runtime/refusal.ts";

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

/** The answer of an actor that knows no other names: when it says that there is none of this name, with the one that was probably meant. */
export async function withNearest(
  reply: Reply,
  refuse: (facts: { readonly name: string; readonly nearest?: string | undefined }) => Refusal,
  kind: string,
  name: string,
  reads: ReadModel,
): Promise<Reply> {
  if (!isRefusal(reply) || reply.code !== `${kind}.not-found`) return reply;
  return refuse({ name, nearest: await nearestRow(reads, kind, name) });
}
