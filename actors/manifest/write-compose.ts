import { stringify } from "yaml";
import { DeploymentSpec } from "../deployment/contract.ts";
import type { Condition, Dependency } from "../stack/contract.ts";
import { readProject } from "./read-compose.ts";
import { writers, type Written } from "./write-fields.ts";

export interface StackToWrite {
  readonly name: string;
  readonly onFailure: "rollback" | "pause";
  readonly services: readonly { readonly service: string; readonly spec: DeploymentSpec; readonly after: readonly Dependency[] }[];
}

const conditions: Readonly<Record<Condition, string>> = {
  started: "service_started",
  healthy: "service_healthy",
  completed: "service_completed_successfully",
};

/** A Compose file that asks for exactly this: what Compose has no field for is under `x-odysseus`. Reading it gives back what was written. */
export function writeCompose({ name, onFailure, services }: StackToWrite): string {
  const written = Object.fromEntries(
    services.map(({ service, spec, after }) => [service, { ...serviceOf(spec, services.length === 1), ...dependsOn(after) }] as const),
  );
  const whole = { name, services: written, ...(onFailure === "rollback" ? {} : { "x-odysseus": { onFailure } }) };
  return stringify(escaped(whole), { lineWidth: 0, aliasDuplicateObjects: false });
}

function dependsOn(after: readonly Dependency[]): Written {
  if (after.length === 0) return {};
  return { depends_on: Object.fromEntries(after.map(({ service, condition }) => [service, { condition: conditions[condition] }])) };
}

/** Field by field: what has its default is left out, what Compose would read as something else is said in our own words. */
function serviceOf(spec: DeploymentSpec, isAlone: boolean): Written {
  const { image } = spec;
  const usual = DeploymentSpec.parse({ image });
  const isApart = spec.networks === undefined && !isAlone;
  // Without a word about networks, Compose would put it on one that all services of the project share.
  let fields: Written = { image, ...(isApart && { network_mode: spec.namespaces?.network ?? "bridge" }) };
  const own: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(spec)) {
    const name = field as keyof DeploymentSpec;
    if (value === undefined || isSame(value, usual[name])) continue;
    const written = (writers[name] as ((value: unknown) => Written) | undefined)?.(value);
    if (written !== undefined && isSame(readBack({ image, ...written })?.[name], value)) fields = merged(fields, written);
    else own[field] = value;
  }
  return Object.keys(own).length === 0 ? fields : { ...fields, "x-odysseus": own };
}

function readBack(service: Written): DeploymentSpec | undefined {
  const [read] = readProject({ manifests: [{ file: "compose.yaml", text: stringify(escaped({ services: { it: service } })) }] }).services;
  return DeploymentSpec.safeParse(read?.spec).data;
}

/** Several fields meet in `deploy`. */
function merged(left: Written, right: Written): Written {
  const { deploy: a, ...mine } = left;
  const { deploy: b, ...others } = right;
  const both = { ...(a as Written | undefined), ...(b as Written | undefined) };
  return { ...mine, ...others, ...(Object.keys(both).length === 0 ? {} : { deploy: both }) };
}

/** A dollar begins a variable, so one that is meant is written twice. Names of fields are left as they are. */
function escaped(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("$", "$$$$");
  if (Array.isArray(value)) return value.map(escaped);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, escaped(item)]));
}

/** Whatever the order of names in a mapping. */
function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(sorted(left)) === JSON.stringify(sorted(right));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, item]) => [name, sorted(item)]),
  );
}
