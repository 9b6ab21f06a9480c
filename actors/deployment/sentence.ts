/** A reason is read at a glance, in a table too; what it was taken from is beside it whole: failures, last lines, rejections. */
const MAX_REASON_CHARACTERS = 400;

/** One line of bounded length out of whatever an engine, a probe or a list of rejections said. */
export function oneSentence(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= MAX_REASON_CHARACTERS ? line : `${line.slice(0, MAX_REASON_CHARACTERS - 1)}…`;
}
