import type { Place, Reading } from "./reading.ts";

/** What becomes of a field of Compose. */
export type Support = "honoured" | "different" | "refused";

type Read<Into> = (reading: Reading, at: Place, into: Into) => void;

/** A field: what becomes of it, in a sentence unless it is simply honoured, and how it is read. */
export interface Rule<Into> {
  readonly support: Support;
  readonly note: string;
  readonly instead?: string;
  readonly read: Read<Into>;
  /** Fields within it, for the table of what is supported. */
  readonly inner?: Readonly<Record<string, Pick<Rule<never>, "support" | "note" | "instead" | "inner">>>;
  /** A name without a value means something. */
  readonly mayBeEmpty?: true;
}

export type FieldTable<Into> = Readonly<Record<string, Rule<Into>>>;

type Inner = NonNullable<Rule<never>["inner"]>;

/** Means here what it means to Compose. */
export function honoured<Into>(read: Read<Into>, inner?: Inner): Rule<Into> {
  return { support: "honoured", note: "", read, ...(inner !== undefined && { inner }) };
}

/** Means nearly the same; `read` says the difference where it shows. */
export function different<Into>(note: string, read: Read<Into>, inner?: Inner): Rule<Into> {
  return { support: "different", note, read, ...(inner !== undefined && { inner }) };
}

/** Changes nothing, which does no harm, and is said. */
export function passedOver(note: string, instead?: string, silent: readonly string[] = []): Rule<unknown> {
  return {
    support: "different",
    note,
    ...(instead !== undefined && { instead }),
    read: (reading, at) => {
      if (!asksNothing(at, silent)) reading.differs(at, note, instead);
    },
  };
}

/** An error, unless it asks for nothing: an empty list or mapping, or one of the values in `harmless`, which Compose takes when the field is absent. */
export function refused(note: string, instead?: string, harmless: readonly string[] = []): Rule<unknown> {
  return {
    support: "refused",
    note,
    ...(instead !== undefined && { instead }),
    read: (reading, at) => {
      if (!asksNothing(at, harmless)) reading.refuse(at, note, instead);
    },
  };
}

/** As `refused`, for what is switched on by true. */
export function refusedFlag(note: string, instead?: string): Rule<unknown> {
  return {
    ...refused(note, instead),
    read: (reading, at) => {
      if (reading.flag(at) === true) reading.refuse(at, note, instead);
    },
  };
}

function asksNothing({ value }: Place, harmless: readonly string[]): boolean {
  switch (value.kind) {
    case "list":
      return value.items.length === 0;
    case "map":
      return value.fields.size === 0;
    case "scalar":
      return value.text === "" || harmless.includes(value.text);
  }
}

/** Fields of other products that build on Compose: a warning says what becomes of each, which is nothing unless it is read. */
export type ForeignFields<Into = never> = Readonly<
  Record<string, { readonly reason: string; readonly instead?: string; readonly read?: Read<Into> }>
>;

/** Reads each field of the mapping by its rule, those in `last` after the others; what has no rule is said to be unknown. */
export function readFields<Into>(
  reading: Reading,
  place: Place,
  table: FieldTable<Into>,
  into: Into,
  more: { readonly last?: readonly string[]; readonly foreign?: ForeignFields<Into> } = {},
): void {
  const { last = [], foreign = {} } = more;
  const fields = [...reading.fields(place)];
  const ordered = last.length === 0 ? fields : fields.toSorted(([a], [b]) => last.indexOf(a) - last.indexOf(b));
  for (const [name, at] of ordered) {
    const rule = Object.hasOwn(table, name) ? table[name] : undefined;
    const stranger = Object.hasOwn(foreign, name) ? foreign[name] : undefined;
    if (rule !== undefined) {
      if (!reading.isNull(at) || rule.mayBeEmpty === true) rule.read(reading, at, into);
      else reading.invalid(at, "There is nothing after the name.", "leave the field out or give it a value.");
    } else if (stranger !== undefined) {
      reading.findings.warn("foreign-field", at, stranger.reason, stranger.instead ?? "leave it out.");
      stranger.read?.(reading, at, into);
    } else if (!name.startsWith("x-")) {
      reading.unknown(at, name, Object.keys(table));
    }
  }
}
