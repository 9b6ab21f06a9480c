import { didYouMean } from "./did-you-mean.ts";
import { type Findings, type Spot, TooMuch } from "./findings.ts";
import type { NamedFiles } from "./project-files.ts";
import { Resources } from "./resources.ts";
import { isNull, type Value } from "./value.ts";
import type { VariableFilling } from "./variables.ts";

/** Looking at more values of one project ends with an error. */
const MAX_PLACES = 1_000_000;

/** A value of the project, with where it stands. */
export interface Place extends Spot {
  readonly value: Value;
}

/** Reads values of the expected kind and notes, with their place, those that are of another. */
export class Reading {
  readonly findings: Findings;
  readonly files: NamedFiles;
  readonly filling: VariableFilling;
  /** What its volumes and networks are called after. */
  readonly project: string;
  readonly resources = new Resources();
  #places = 0;

  constructor(project: string, findings: Findings, files: NamedFiles, filling: VariableFilling) {
    this.project = project;
    this.findings = findings;
    this.files = files;
    this.filling = filling;
  }

  /** What is written means nothing. */
  invalid(spot: Spot, message: string, instead?: string): undefined {
    return this.findings.error("invalid", spot, message, instead);
  }

  /** What is written means something that cannot be had. */
  refuse(spot: Spot, reason: string, instead?: string): undefined {
    return this.findings.error("unsupported", spot, reason, instead);
  }

  /** What is written is done, but differently. */
  differs(spot: Spot, message: string, instead?: string): void {
    this.findings.warn("differs", spot, message, instead);
  }

  isNull(place: Place): boolean {
    return isNull(place.value);
  }

  isMap(place: Place): boolean {
    return place.value.kind === "map";
  }

  isList(place: Place): boolean {
    return place.value.kind === "list";
  }

  fields(place: Place): ReadonlyMap<string, Place> {
    const { value } = this.#seen(place);
    if (value.kind !== "map") return this.invalid(place, "Expected a mapping of names to values.") ?? new Map();
    return new Map([...value.fields].map(([name, field]) => [name, this.field(place, name, field)]));
  }

  /** The place of a field in a mapping. */
  field(place: Spot, name: string, value: Value): Place {
    return { path: place.path === "" ? name : `${place.path}.${name}`, origin: value.origin, value };
  }

  items(place: Place): readonly Place[] {
    const { value } = this.#seen(place);
    if (value.kind !== "list") return this.invalid(place, "Expected a list.") ?? [];
    return value.items.map((item, index) => ({ path: `${place.path}[${index}]`, origin: item.origin, value: item }));
  }

  /** A list, or one value standing for a list of it. */
  itemsOrOne(place: Place): readonly Place[] {
    return place.value.kind === "list" ? this.items(place) : [place];
  }

  /** As it is written, `1.10` included. */
  text(place: Place): string | undefined {
    const { value } = this.#seen(place);
    return value.kind === "scalar" && value.type !== "null" ? value.text : this.invalid(place, "Expected a text.");
  }

  wholeNumber(place: Place): number | undefined {
    const written = this.text(place);
    if (written === undefined) return undefined;
    return /^\d{1,15}$/.test(written) ? Number(written) : this.invalid(place, `"${written}" is not a whole number.`);
  }

  /** As `wholeNumber`, with a minus before it or not. */
  integer(place: Place): number | undefined {
    const written = this.text(place);
    if (written === undefined) return undefined;
    return /^-?\d{1,15}$/.test(written) ? Number(written) : this.invalid(place, `"${written}" is not a whole number.`);
  }

  /** A text that `read` understands. */
  amount(place: Place, read: (text: string) => number | undefined, like: string): number | undefined {
    const written = this.text(place);
    if (written === undefined) return undefined;
    return read(written) ?? this.invalid(place, `"${written}" is not an amount.`, `write it like ${like}.`);
  }

  oneOf<Choice extends string>(place: Place, choices: readonly Choice[]): Choice | undefined {
    const written = this.text(place);
    if (written === undefined) return undefined;
    const chosen = choices.find((choice) => choice === written);
    return chosen ?? this.invalid(place, `"${written}" is not one of ${choices.join(", ")}.`);
  }

  /** A text is understood too, since a variable fills in texts. */
  flag(place: Place): boolean | undefined {
    const { value } = this.#seen(place);
    const written = value.kind === "scalar" ? value.text.toLowerCase() : "";
    if (["true", "yes", "on", "y"].includes(written)) return true;
    if (["false", "no", "off", "n"].includes(written)) return false;
    return this.invalid(place, "Expected true or false.");
  }

  /** A field nobody knows. */
  unknown(place: Spot, name: string, known: readonly string[]): void {
    this.findings.error("unknown-field", place, `There is no field "${name}" here.`, didYouMean(name, known));
  }

  #seen(place: Place): Place {
    this.#places += 1;
    if (this.#places > MAX_PLACES) {
      this.findings.error("too-much", place, `The project has more than ${MAX_PLACES} values, counting aliases each time they are used.`);
      throw new TooMuch();
    }
    return place;
  }
}
