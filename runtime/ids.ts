/** Crockford's base32 in lower case: no i, l, o, u. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARACTERS = 10;
const CHANCE_CHARACTERS = 16;

/** 10 characters of time and 16 of chance, as in a ULID. `chance` gives integers in [0, 32). */
export function sortableId(nowMs: number, chance: () => number): string {
  let time = "";
  let rest = Math.max(0, Math.floor(nowMs));
  for (let index = 0; index < TIME_CHARACTERS; index += 1) {
    time = ALPHABET.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  let id = time;
  for (let index = 0; index < CHANCE_CHARACTERS; index += 1) id += ALPHABET.charAt(chance());
  return id;
}
