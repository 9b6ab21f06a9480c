import { commandLine } from "./command-line.ts";
import type { Place, Reading } from "./reading.ts";

/** A list of words, or a line that is split into them. */
export function readWords(reading: Reading, at: Place): string[] | undefined {
  if (reading.isList(at)) return reading.items(at).map((item) => reading.text(item) ?? "");
  const line = reading.text(at);
  if (line === undefined) return undefined;
  const read = commandLine(line);
  if (read.kind === "malformed") return reading.invalid(at, `${read.reason} in "${line}".`);
  if (read.rest !== "")
    reading.differs(
      at,
      `The command ends before "${read.rest}", as it does with Compose: no shell reads it.`,
      'write [sh, -c, "..."] for a shell.',
    );
  return [...read.words];
}
