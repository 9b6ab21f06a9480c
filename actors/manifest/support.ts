import type { Rule, Support } from "./fields.ts";
import { serviceFields } from "./service-fields.ts";
import { topLevelFields } from "./top-level.ts";

/** One field of Compose, and what becomes of it. */
export interface SupportedField {
  /** `services.*.ports.*.target`; a star stands for any name or item. */
  readonly path: string;
  readonly support: Support;
  /** How it differs, or why it is refused; empty when honoured. */
  readonly note: string;
  readonly instead?: string;
}

type Inner = NonNullable<Rule<never>["inner"]>;

/** Fields whose own fields stand below a name or in a list. */
const repeated = new Set([
  "ports",
  "env_file",
  "depends_on",
  "devices",
  "gpus",
  "post_start",
  "pre_stop",
  "volumes",
  "configs",
  "secrets",
  "networks",
]);

/** Every field that reading knows, in the order in which they are read; what is within a refused field is refused with it. */
export function supportedFields(): readonly SupportedField[] {
  return [...flat(topLevelFields, ""), ...flat(serviceFields, "services.*.")];
}

function flat(table: Inner, prefix: string): readonly SupportedField[] {
  return Object.entries(table).flatMap(([name, { support, note, instead, inner }]) => {
    const path = `${prefix}${name}`;
    const below = inner === undefined ? [] : flat(inner, `${path}.${repeated.has(name) ? "*." : ""}`);
    return [{ path, support, note, ...(instead !== undefined && { instead }) }, ...below];
  });
}
