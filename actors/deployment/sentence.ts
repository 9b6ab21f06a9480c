/** A reason is read at a glance, in a table too; what it was taken from is beside it whole: failures, last lines, rejections. */
const MAX_REASON_CHARACTERS = 400;

/** One line of bounded length out of whatever an engine, a probe or a list of rejections said. */
export function oneSentence(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= MAX_REASON_CHARACTERS ? line : `${line.slice(0, MAX_REASON_CHARACTERS - 1)}…`;
}

/** Things told one by one in a sentence; of more, their number is told. */
export const NAMED_IN_A_SENTENCE = 3;

/** Only those that are named are put into words, where they are none yet: there may be thousands. */
export function fewOf<Finding>(
  findings: readonly Finding[],
  words: (finding: Finding) => string = String,
  most = NAMED_IN_A_SENTENCE,
): string {
  const left = findings.length - most;
  return `${findings.slice(0, most).map(words).join(", ")}${left > 0 ? ` and ${left} more` : ""}`;
}
