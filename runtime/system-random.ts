import { randomBytes } from "node:crypto";
import type { Random } from "./clock.ts";
import { sortableId } from "./ids.ts";

/** The machine's chance; ids cannot be guessed. */
export const systemRandom: Random = {
  next: () => Math.random(),
  id: () => {
    const bytes = randomBytes(16);
    return sortableId(Date.now(), (index) => (bytes[index] ?? 0) & 31);
  },
};
