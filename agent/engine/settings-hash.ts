import { createHash } from "node:crypto";

/** Hexadecimal characters kept: 96 bits tell settings apart, and fit a label. */
const HASH_LENGTH = 24;

/** Hash of a plain value, the same whatever the order of its keys. */
export function hashSettings(settings: unknown): string {
  return createHash("sha256").update(canonical(settings)).digest("hex").slice(0, HASH_LENGTH);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}
