/** Characters of items in one message; a single item may have more. With their worst encoding still below the bus' largest message. */
export const MAX_MESSAGE_CHARS = 250_000;

/** The items in their order, in as few batches as may be with so many characters each. */
export function inBatches<Item>(items: readonly Item[], charsOf: (item: Item) => number): readonly (readonly Item[])[] {
  const batches: Item[][] = [];
  let chars = Infinity;
  for (const item of items) {
    const more = charsOf(item);
    chars += more;
    if (chars > MAX_MESSAGE_CHARS) {
      batches.push([]);
      chars = more;
    }
    batches.at(-1)?.push(item);
  }
  return batches;
}
