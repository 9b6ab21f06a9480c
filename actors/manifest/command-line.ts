/** A command line, taken apart. No shell reads it: nothing in it is expanded. */
export type CommandLine =
  | {
      readonly kind: "words";
      readonly words: readonly string[];
      /** From the first operator of a shell on, like `&& exit`; empty where there is none. */
      readonly rest: string;
    }
  /** One sentence. */
  | { readonly kind: "malformed"; readonly reason: string };

/** What ends a part that is kept whole; the last two, a shell's substitutions, with their signs. */
type Close = "'" | '"' | "`" | ")";

const closings: Readonly<Record<string, string>> = { "'": "A quote", '"': "A quote", "`": "A backquote", ")": "A parenthesis" };

/**
 * Splits a line into words as Compose does, measured against its library: quotes keep words together, a backslash stands before any character that is meant
 * (except within single quotes), and the line ends at the first operator of a shell.
 */
export function commandLine(text: string): CommandLine {
  const words: string[] = [];
  let word: string | undefined;
  let close: Close | undefined;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] ?? "";
    const isSign = close === "`" || close === ")";
    if (character === "\\" && close !== "'") {
      index += 1;
      if (index === text.length) return { kind: "malformed", reason: "A backslash stands before nothing" };
      word = `${word ?? ""}${text[index] ?? ""}`;
    } else if (close !== undefined) {
      if (character !== close || isSign) word = `${word ?? ""}${character}`;
      if (character === close) close = undefined;
    } else if (character === "'" || character === '"') {
      close = character;
      word ??= "";
    } else if (character === "`") {
      close = character;
      word = `${word ?? ""}${character}`;
    } else if (character === "(" || character === ")") {
      if (character === ")" || word?.endsWith("$") !== true) return { kind: "malformed", reason: "A parenthesis is not within quotes" };
      close = ")";
      word = `${word}(`;
    } else if (/[;&|<>]/.test(character)) {
      const isNumbered = character === ">" && /^\d/.test(word ?? "");
      return { kind: "words", words: word === undefined || isNumbered ? words : [...words, word], rest: text.slice(index) };
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = `${word ?? ""}${character}`;
    }
  }
  if (close !== undefined) return { kind: "malformed", reason: `${closings[close]} is not closed` };
  return { kind: "words", words: word === undefined ? words : [...words, word], rest: "" };
}
