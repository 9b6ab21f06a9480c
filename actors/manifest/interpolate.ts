/** Variables within the default of a variable, and so on. */
const MAX_NESTING = 20;

/** Asked for each variable that is used. */
export interface Variables {
  readonly get: (name: string) => string | undefined;
}

/** What went wrong while filling in a text. */
export type InterpolationProblem =
  /** Nothing sets it, and the text has no default: it is empty. */
  | { readonly kind: "unset"; readonly name: string }
  | { readonly kind: "required"; readonly name: string; readonly message: string }
  /** `${` that is not closed, or holds no variable. */
  | { readonly kind: "malformed"; readonly rest: string }
  | { readonly kind: "too-long" };

export interface Interpolated {
  readonly text: string;
  readonly problems: readonly InterpolationProblem[];
}

/** What follows the name in `${NAME:-word}`. */
const OPERATOR = /^(:?[-?+])/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;

/**
 * Fills in `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?message}`, `${NAME?message}`, `${NAME:+instead}`, `${NAME+instead}`,
 * within each other too; `$$` is a dollar sign. With a colon, an empty variable counts as unset. The result has at most `maxLength` characters.
 */
export function interpolate(text: string, variables: Variables, maxLength: number): Interpolated {
  if (!text.includes("$")) return { text, problems: [] };
  const filling = new Filling(variables, maxLength);
  return { text: filling.fill(text, 0), problems: filling.problems };
}

class Filling {
  readonly problems: InterpolationProblem[] = [];
  readonly #variables: Variables;
  readonly #maxLength: number;

  constructor(variables: Variables, maxLength: number) {
    this.#variables = variables;
    this.#maxLength = maxLength;
  }

  fill(text: string, nesting: number): string {
    const parts: string[] = [];
    let length = 0;
    let index = 0;
    const push = (part: string): void => {
      length += part.length;
      parts.push(part);
    };
    while (index < text.length && length <= this.#maxLength) {
      const dollar = text.indexOf("$", index);
      push(text.slice(index, dollar === -1 ? undefined : dollar));
      if (dollar === -1) break;
      const { value, end } = this.#variable(text, dollar, nesting);
      push(value);
      index = end;
    }
    if (length <= this.#maxLength) return parts.join("");
    if (!this.problems.some(({ kind }) => kind === "too-long")) this.problems.push({ kind: "too-long" });
    return "";
  }

  #variable(text: string, dollar: number, nesting: number): { readonly value: string; readonly end: number } {
    const next = text[dollar + 1];
    if (next === "$") return { value: "$", end: dollar + 2 };
    if (next === "{") {
      const close = closingBrace(text, dollar + 1);
      if (close === undefined || nesting >= MAX_NESTING) return this.#malformed(text, dollar);
      const value = this.#braced(text.slice(dollar + 2, close), nesting);
      return value === undefined ? this.#malformed(text, dollar) : { value, end: close + 1 };
    }
    const name = NAME.exec(text.slice(dollar + 1, dollar + 201))?.[0];
    // Any other dollar sign is one, as in $(date) or $?.
    return name === undefined ? { value: "$", end: dollar + 1 } : { value: this.#plain(name), end: dollar + 1 + name.length };
  }

  /** Undefined: it is not a variable at all. */
  #braced(inside: string, nesting: number): string | undefined {
    const name = NAME.exec(inside)?.[0];
    if (name === undefined) return undefined;
    const rest = inside.slice(name.length);
    if (rest === "") return this.#plain(name);
    const operator = OPERATOR.exec(rest)?.[0];
    if (operator === undefined) return undefined;
    const word = rest.slice(operator.length);
    const value = this.#variables.get(name);
    const isSet = value !== undefined && !(operator.startsWith(":") && value === "");
    switch (operator.at(-1)) {
      case "-":
        return isSet ? value : this.fill(word, nesting + 1);
      case "+":
        return isSet ? this.fill(word, nesting + 1) : "";
      default:
        if (isSet) return value;
        this.problems.push({ kind: "required", name, message: this.fill(word, nesting + 1) });
        return "";
    }
  }

  #plain(name: string): string {
    const value = this.#variables.get(name);
    if (value === undefined) this.problems.push({ kind: "unset", name });
    return value ?? "";
  }

  #malformed(text: string, dollar: number): { readonly value: string; readonly end: number } {
    this.problems.push({ kind: "malformed", rest: text.slice(dollar, dollar + 30) });
    return { value: "$", end: dollar + 1 };
  }
}

/** Of the brace at `open`; braces of the default count, so that `${A:-{"b": 1}}` ends at the last one. */
function closingBrace(text: string, open: number): number | undefined {
  let depth = 0;
  for (let index = open; index < text.length; index += 1) {
    if (text[index] === "{") depth += 1;
    else if (text[index] === "}") depth -= 1;
    if (depth === 0) return index;
  }
  return undefined;
}
