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

/** Makes a refusal of one entry from its facts; carries what documentation says about it. */
export type RefusalConstructor<Entry extends RefusalEntry<never>> = ((facts: Parameters<Entry["message"]>[0]) => Refusal) & RefusalTraits;
export type RefusalTraits = Pick<RefusalEntry<never>, "httpStatus" | "retryable">;

/** Makes one constructor per entry: `refusals["deployment.not-found"]({ name })`. */
export function defineRefusals<Catalogue extends Readonly<Record<string, RefusalEntry<never>>>>(
  catalogue: Catalogue,
): { readonly [Code in keyof Catalogue & string]: RefusalConstructor<Catalogue[Code]> } {
  const constructors: Record<string, RefusalConstructor<RefusalEntry<never>>> = {};
  for (const [code, { httpStatus, retryable, message }] of Object.entries(catalogue)) {
    const construct = (facts: never): Refusal => ({
      kind: "refusal",
      code,
      httpStatus,
      retryable,
      message: message(facts),
      details: facts,
    });
    constructors[code] = Object.assign(construct, { httpStatus, retryable });
  }
  return constructors as { readonly [Code in keyof Catalogue & string]: RefusalConstructor<Catalogue[Code]> };
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "refusal";
}
