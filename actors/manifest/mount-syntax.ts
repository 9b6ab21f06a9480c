/** The short form of a mount, taken apart: `SOURCE:TARGET:OPTIONS`, or a target alone. */
export interface ShortMount {
  readonly source: string | undefined;
  readonly target: string;
  readonly options: readonly string[];
}

/** Undefined: it has too many parts, or none. */
export function parseMount(written: string): ShortMount | undefined {
  // A path of Windows has a colon of its own.
  const drive = /^[A-Za-z]:(?=\\)/.exec(written)?.[0] ?? "";
  const parts = written.slice(drive.length).split(":");
  const [first = "", second, options, ...further] = parts;
  if (further.length > 0 || parts.some((part) => part === "")) return undefined;
  if (second === undefined) return { source: undefined, target: first, options: [] };
  return { source: drive + first, target: second, options: options === undefined ? [] : options.split(",") };
}

/** A path of the machine, not the name of a volume. */
export function isPath(source: string): boolean {
  return /^(\.|~|\/)/.test(source) || /^[A-Za-z]:\\/.test(source) || source.includes("/");
}
