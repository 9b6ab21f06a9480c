import { posix } from "node:path";
import type { Place, Reading } from "./reading.ts";

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
  if (second === undefined) return { source: undefined, target: asTarget(first), options: [] };
  return { source: drive + first, target: asTarget(second), options: options === undefined ? [] : options.split(",") };
}

/** `/a/` and `/a` are one place. */
export function asTarget(path: string): string {
  return posix.normalize(path).replace(/(.)\/$/, "$1");
}

/** Whether it is one; else with a finding. */
export function isTarget(reading: Reading, item: Place, target: string): boolean {
  if (target.startsWith("/")) return true;
  reading.invalid(item, `"${target}" is not a path in the container.`, "write VOLUME:/path/in/the/container.");
  return false;
}

/** A path of the machine, not the name of a volume. */
export function isPath(source: string): boolean {
  return /^(\.|~|\/)/.test(source) || /^[A-Za-z]:\\/.test(source) || source.includes("/");
}
