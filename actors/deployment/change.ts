import { z } from "zod";
import { MAX_DRAIN_MS } from "../ingress/contract.ts";
import {
  Constraint,
  HealthCheck,
  MAX_CONSTRAINTS,
  MAX_PORTS,
  MAX_REPLICAS,
  MAX_ROUTES_PER_DEPLOYMENT,
  Mode,
  Partition,
  PinnedTemplate,
  Port,
  PullPolicy,
  Resources,
  Route,
  RolloutPolicy,
  VariableName,
  type FieldChange,
} from "./contract.ts";
import { containerFields } from "./container-contract.ts";
import { GivenFiles, type SealedFile } from "./file-contract.ts";
import { Networks } from "./network-contract.ts";
import { Mounts } from "./mount-contract.ts";
import { lifecycleFields, RestartPolicy } from "./lifecycle-contract.ts";
import { maskedChange } from "./masking.ts";

/** `null` takes an entry out of a map, or a field back to its default. Maps are merged by key; lists and the health check are replaced whole. */
export const TemplatePatch = z
  .strictObject({
    image: z.string().min(1).max(500),
    pull: PullPolicy.nullable(),
    entrypoint: z.array(z.string()).nullable(),
    command: z.array(z.string()).nullable(),
    environment: z.record(VariableName, z.string().max(100_000).nullable()),
    ports: z.array(Port).max(MAX_PORTS),
    routes: z.array(Route).max(MAX_ROUTES_PER_DEPLOYMENT),
    drainMs: z.int().min(0).max(MAX_DRAIN_MS).nullable(),
    health: HealthCheck.nullable(),
    resources: partialOf(Resources),
    mode: Mode,
    constraints: z.array(Constraint).max(MAX_CONSTRAINTS),
    maxReplicasPerNode: z.int().min(0).max(MAX_REPLICAS),
    partition: Partition.nullable(),
    labels: z.record(z.string().min(1).max(200), z.string().max(1_000).nullable()),
    user: z.string().nullable(),
    workingDirectory: z.string().nullable(),
    stopSignal: z.string().nullable(),
    stopGraceMs: z.int().min(0).nullable(),
    rollout: partialOf(RolloutPolicy),
    run: lifecycleFields.run.unwrap(),
    restart: partialOf(RestartPolicy),
    ...nullable(containerFields),
    mounts: Mounts.nullable(),
    files: GivenFiles.nullable(),
    networks: Networks.nullable(),
    together: z.string().min(1).max(200).nullable(),
  })
  .partial();
export type TemplatePatch = z.infer<typeof TemplatePatch>;
/** As a deployment decides about it: files without their contents. */
export type SealedPatch = Omit<TemplatePatch, "files"> & { readonly files?: readonly SealedFile[] | null };

function nullable<Fields extends z.ZodRawShape>(fields: Fields): { readonly [Name in keyof Fields]: z.ZodNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, z.nullable(field)])) as {
    readonly [Name in keyof Fields]: z.ZodNullable<Fields[Name]>;
  };
}

/** Every field optional or null, no defaults: absent means "as it is". */
function partialOf(
  schema: typeof Resources | typeof RolloutPolicy | typeof RestartPolicy,
): z.ZodRecord<z.ZodEnum<Record<string, string>>, z.ZodUnknown> {
  const keys = Object.keys(schema.shape);
  return z.partialRecord(z.enum(keys), z.unknown());
}

export type Merged =
  | { readonly kind: "merged"; readonly template: PinnedTemplate }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

/** The template with the patch applied, validated as a whole. `image` is the pinned one, where the patch names an image. */
export function merge(
  template: PinnedTemplate,
  { image: _reference, ...patch }: SealedPatch,
  image: PinnedTemplate["image"] | undefined,
): Merged {
  const result: Record<string, unknown> = { ...template, ...(image === undefined ? {} : { image }) };
  for (const [key, value] of Object.entries(patch)) {
    const isEntryByEntry = key === "environment" || key === "labels" || key === "resources" || key === "rollout" || key === "restart";
    result[key] = isEntryByEntry ? combined(result[key] as Record<string, unknown>, value as Record<string, unknown>) : value;
  }
  const parsed = PinnedTemplate.safeParse(withoutNulls(result));
  return parsed.success ? { kind: "merged", template: parsed.data } : { kind: "invalid", problems: problemsOf(parsed.error) };
}

/** Entry by entry, also of a map within the map, as the rules for the way back are within those of a rollout. */
function combined(before: Record<string, unknown>, patch: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(patch).map(([key, value]): [string, unknown] => {
    const old = before[key];
    return [key, isMap(value) && isMap(old) ? { ...old, ...value } : value];
  });
  return withoutNulls({ ...before, ...Object.fromEntries(entries) });
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function problemsOf(error: z.ZodError): readonly string[] {
  return error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
}

function withoutNulls(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null && value !== undefined));
}

/** All that a person says about a deployment, to be compared. One that is global has no number of replicas. */
export function specFields<Fields extends { readonly mode: PinnedTemplate["mode"] }>(
  template: Fields,
  replicas: number,
): Readonly<Record<string, unknown>> {
  return template.mode === "global" ? template : { replicas, ...template };
}

/** Field by field, in the order of their paths, without the values of secrets. An image counts as changed when its digest did. */
export function diff(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): readonly FieldChange[] {
  const old = flatten(before);
  const now = flatten(after);
  const paths = [...new Set([...old.keys(), ...now.keys()])].sort();
  return paths.flatMap((path) =>
    JSON.stringify(old.get(path)) === JSON.stringify(now.get(path))
      ? []
      : [maskedChange({ path, before: old.get(path), after: now.get(path) })],
  );
}

/** Lists whose items are told apart by one of their fields: an item is a field of its own. */
const KEY_OF_ITEMS: Readonly<Record<string, string>> = { files: "target" };

function flatten(value: Readonly<Record<string, unknown>>, prefix = "", into = new Map<string, unknown>()): Map<string, unknown> {
  for (const [key, item] of Object.entries(value)) {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    const keyField = KEY_OF_ITEMS[path];
    if (keyField !== undefined && Array.isArray(item)) {
      for (const { [keyField]: itemKey, ...fields } of item as readonly Record<string, unknown>[])
        into.set(`${path}.${String(itemKey)}`, fields);
      continue;
    }
    const isBranch = typeof item === "object" && item !== null && !Array.isArray(item) && path !== "health";
    if (isBranch) flatten(item as Record<string, unknown>, path, into);
    else if (item !== undefined) into.set(path, item);
  }
  return into;
}
