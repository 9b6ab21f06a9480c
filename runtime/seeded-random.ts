import type { Clock, Random } from "./clock.ts";
import { sortableId } from "./ids.ts";

/** The same numbers and ids for the same seed: sfc32, seeded by splitmix32. */
export function seededRandom(seed: number, clock: Pick<Clock, "nowMs">): Random {
  let state = seed | 0;
  const split = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) | 0;
  };
  let [a, b, c, counter] = [split(), split(), split(), 1];
  const word = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11) | 0) + sum) | 0;
    return sum >>> 0;
  };
  return {
    next: () => word() / 2 ** 32,
    id: () => sortableId(clock.nowMs(), () => word() & 31),
  };
}
