/**
 * A refusal people can expect is a value; an exception is a bug. Each refusal comes from a catalogue entry, so that its code, HTTP status
 * and wording are defined once and every surface (API problem, CLI exit code, audit outcome) is derived from it.
 */
export interface Refusal {
  readonly kind: "refusal";
  /** Stable, dotted: `deployment.not-found`. */
  readonly code: string;
  readonly httpStatus: number;
  /** Whether the same request may succeed later without being changed. */
  readonly retryable: boolean;
  /** What is wrong, where, and what to do about it; one or two sentences for a person. */
  readonly message: string;
  /** Facts for programs: field paths, limits, names. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface RefusalEntry<Facts> {
  readonly httpStatus: number;
  readonly retryable: boolean;
  readonly message: (facts: Facts) => string;
}

/** Makes one constructor per entry: `refusals["deployment.not-found"]({ name })`. */
export function defineRefusals<Catalogue extends Readonly<Record<string, RefusalEntry<never>>>>(
  catalogue: Catalogue,
): { readonly [Code in keyof Catalogue & string]: (facts: Parameters<Catalogue[Code]["message"]>[0]) => Refusal } {
  const constructors: Record<string, (facts: never) => Refusal> = {};
  for (const [code, entry] of Object.entries(catalogue)) {
    constructors[code] = (facts) => ({
      kind: "refusal",
      code,
      httpStatus: entry.httpStatus,
      retryable: entry.retryable,
      message: entry.message(facts),
      details: facts as Readonly<Record<string, unknown>>,
    });
  }
  return constructors as { readonly [Code in keyof Catalogue & string]: (facts: Parameters<Catalogue[Code]["message"]>[0]) => Refusal };
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "refusal";
}
