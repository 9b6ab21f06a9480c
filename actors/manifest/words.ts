import { commandWords } from "./quantities.ts";
import type { Place, Reading } from "./reading.ts";

/** A list of words, or a line that is split as a shell would. */
export function readWords(reading: Reading, at: Place): string[] | undefined {
  if (reading.isList(at)) return reading.items(at).map((item) => reading.text(item) ?? "");
  const line = reading.text(at);
  if (line === undefined) return undefined;
  const split = commandWords(line);
  return split === undefined ? reading.invalid(at, `A quote in "${line}" is not closed.`) : [...split];
}
