import { randomFillSync } from "node:crypto";
import type { Random } from "./clock.ts";
import { sortableId } from "./ids.ts";

/** Asking the system for a few bytes each time costs more than everything else about an id. */
const POOL_BYTES = 8_192;

function pooledBytes(): () => number {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  return () => {
    if (used === POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    const byte = pool[used] ?? 0;
    used += 1;
    return byte;
  };
}

const nextByte = pooledBytes();

/** The machine's chance; ids cannot be guessed. */
export const systemRandom: Random = {
  next: () => Math.random(),
  id: () => sortableId(Date.now(), () => nextByte() & 31),
};
