import type { Clock } from "../runtime/clock.ts";

/** Items worked on before others have their turn: a few milliseconds of work. */
const PORTION_ITEMS = 50;

/** Works through many items, and lets the process do something else in between. */
export async function inPortions<Item, Result>(
  items: readonly Item[],
  clock: Clock,
  each: (item: Item) => Result | Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += PORTION_ITEMS) {
    if (from > 0) await new Promise<void>((resolve) => clock.after(0, resolve));
    results.push(...(await Promise.all(items.slice(from, from + PORTION_ITEMS).map(each))));
  }
  return results;
}

/** Steps of a computation taken before others have their turn, where one takes some milliseconds. */
const STEPS_IN_A_TURN = 5;

/** Carries a computation out that is made of steps, and lets the process do something else in between. */
export async function inTurns<Result>(steps: Generator<undefined, Result, undefined>, clock: Clock): Promise<Result> {
  for (let taken = 1; ; taken++) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (taken % STEPS_IN_A_TURN === 0) await new Promise<void>((resolve) => clock.after(0, resolve));
  }
}

/** As all at once, but never more than so many under way. */
export async function atMost<Item, Result>(
  count: number,
  items: readonly Item[],
  each: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const left = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await each(item);
  };
  await Promise.all(Array.from({ length: Math.min(count, items.length) }, work));
  return results;
}
