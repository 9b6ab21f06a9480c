import type { Findings, Spot } from "./findings.ts";
import { interpolate, type Variables } from "./interpolate.ts";
import { listValue, mapValue, scalarValue, type Value } from "./value.ts";

/** Characters that variables may add up to in one project: beyond it they are a trap. */
const MAX_FILLED_CHARACTERS = 16_777_216;

/** The content of a file beside its mount is Coolify's, which takes it as it is written. */
const LITERAL = /^services\..+\.volumes\[\d+\]\.content$/;

/** Fills variables in and says, once for each, which are not set. Shared by all files of a project. */
export class VariableFilling {
  readonly #findings: Findings;
  readonly #told = new Set<string>();
  #left = MAX_FILLED_CHARACTERS;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  text(text: string, variables: Variables, spot: Spot): string {
    const filled = interpolate(text, variables, this.#left);
    if (text.includes("$")) this.#left -= filled.text.length;
    for (const problem of filled.problems) {
      switch (problem.kind) {
        case "unset":
          this.unset(problem.name, spot, "left empty");
          break;
        case "required":
          this.#findings.error(
            "required-variable",
            spot,
            problem.message === "" ? `${problem.name} must be set.` : `${problem.name} must be set; the file says: "${problem.message}".`,
            `set ${problem.name} in .env or in the shell.`,
          );
          break;
        case "malformed":
          this.#findings.error("invalid", spot, `"${problem.rest}" does not name a variable.`, "write $$ for a dollar sign that is meant.");
          break;
        case "too-long":
          this.#findings.error("too-much", spot, `Variables fill in more than ${MAX_FILLED_CHARACTERS} characters.`);
          break;
      }
    }
    return filled.text;
  }

  unset(name: string, spot: Spot, fate: "left empty" | "left out"): void {
    if (this.#told.has(name)) return;
    this.#told.add(name);
    const isCoolify = /^SERVICE_[A-Z0-9]+_/.test(name);
    const isUnusual = /[a-z]/.test(name) && fate === "left empty";
    this.#findings.unset(
      name,
      spot,
      isCoolify
        ? `${name} is not set and is ${fate}: Coolify makes such a value up, here nobody does.`
        : `${name} is not set and is ${fate}.`,
      isUnusual
        ? `write $$${name} if the dollar sign is meant; else set ${name} in .env or in the shell.`
        : `set ${name} in .env or in the shell, or write \${${name}:-default}.`,
    );
  }

  /** Every text in it; names of fields are left as they are. */
  value(value: Value, variables: Variables): Value {
    return this.#filled(value, variables, "", new Map());
  }

  #filled(value: Value, variables: Variables, path: string, done: Map<Value, Value>): Value {
    if (!value.hasVariables) return value;
    const before = done.get(value);
    if (before !== undefined) return before;
    const filled = this.#fill(value, variables, path, done);
    done.set(value, filled);
    return filled;
  }

  #fill(value: Value, variables: Variables, path: string, done: Map<Value, Value>): Value {
    switch (value.kind) {
      case "scalar": {
        if (value.type !== "string" || LITERAL.test(path)) return value;
        const text = this.text(value.text, variables, { path, origin: value.origin });
        return scalarValue(value.origin, "string", text, value.tag);
      }
      case "list": {
        const items = value.items.map((item, index) => this.#filled(item, variables, `${path}[${index}]`, done));
        return items.every((item, index) => item === value.items[index]) ? value : listValue(value.origin, items, value.tag);
      }
      case "map": {
        let isSame = true;
        const fields = new Map<string, Value>();
        for (const [name, field] of value.fields) {
          const filled = this.#filled(field, variables, path === "" ? name : `${path}.${name}`, done);
          fields.set(name, filled);
          if (filled !== field) isSame = false;
        }
        return isSame ? value : mapValue(value.origin, fields, value.tag);
      }
    }
  }
}
