/** Crockford's base32 in lower case: no i, l, o, u. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARACTERS = 10;
const CHANCE_CHARACTERS = 16;

/** 10 characters of time and 16 of chance, as in a ULID. `chance` gives integers in [0, 32). */
export function sortableId(nowMs: number, chance: (index: number) => number): string {
  let time = "";
  for (let rest = Math.max(0, Math.floor(nowMs)), index = 0; index < TIME_CHARACTERS; index += 1, rest = Math.floor(rest / 32)) {
    time = ALPHABET.charAt(rest % 32) + time;
  }
  return time + Array.from({ length: CHANCE_CHARACTERS }, (_, index) => ALPHABET.charAt(chance(index))).join("");
}
