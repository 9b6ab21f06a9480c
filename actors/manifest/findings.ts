import type { Finding, FindingCode } from "./finding.ts";
import type { Origin } from "./value.ts";

/** After so many errors, reading ends: further ones would say no more. */
const MAX_ERRORS = 200;
/** Further warnings are counted, not kept. */
const MAX_WARNINGS = 2_000;

/** Thrown where reading must not go on; the finding has been made. */
export class TooMuch extends Error {}

/** Where a finding points. */
export interface Spot {
  readonly path: string;
  readonly origin: Origin;
}

/** Collects what reading a project finds. */
export class Findings {
  readonly #found: Finding[] = [];
  #errors = 0;
  #warnings = 0;

  get hasErrors(): boolean {
    return this.#errors > 0;
  }

  error(code: FindingCode, spot: Spot, message: string, instead?: string): undefined {
    if (this.#errors >= MAX_ERRORS) throw new TooMuch();
    this.#errors += 1;
    this.#found.push(findingAt("error", code, spot, message, instead));
  }

  warn(code: FindingCode, spot: Spot, message: string, instead?: string): void {
    this.#keep(findingAt("warning", code, spot, message, instead));
  }

  /** Nothing sets the variable, and the message begins with its name. */
  unset(variable: string, spot: Spot, message: string, instead: string): void {
    this.#keep({ ...findingAt("warning", "unset-variable", spot, message, instead), variable });
  }

  #keep(warning: Finding): void {
    this.#warnings += 1;
    if (this.#warnings <= MAX_WARNINGS) this.#found.push(warning);
  }

  /** By file in the order they were read, then by line. `end` is where a note about further warnings stands. */
  sorted(end: Spot): readonly Finding[] {
    const files = [...new Set(this.#found.map(({ file }) => file))];
    const sorted = this.#found.toSorted((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column);
    const further = this.#warnings - MAX_WARNINGS;
    return further > 0 ? [...sorted, findingAt("warning", "too-much", end, `There are ${further} more warnings.`, undefined)] : sorted;
  }
}

function findingAt(
  severity: Finding["severity"],
  code: FindingCode,
  { path, origin }: Spot,
  message: string,
  instead: string | undefined,
): Finding {
  const { line, column } = origin.document.position(origin.offset);
  return { severity, code, file: origin.document.file, path, line, column, message, ...(instead !== undefined && { instead }) };
}
