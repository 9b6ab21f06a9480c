import type { DeploymentSpec } from "../deployment/contract.ts";

/** A part of a manifest, as Compose writes it. */
export type Written = Readonly<Record<string, unknown>>;

/** Where a manifest defines what its services use. */
export const sections = ["volumes", "networks", "configs", "secrets"] as const;
export type Section = (typeof sections)[number];

/** What a field of a deployment becomes: fields of its service, and what they refer to. */
export interface Part extends Partial<Readonly<Record<Section, Readonly<Record<string, Written>>>>> {
  readonly service: Written;
  /** Compose has words for some of it; the whole is said in our own words too, which then hold. */
  readonly isPartly?: true;
}

/** The service a field belongs to. */
export interface Within {
  readonly project: string;
  readonly service: string;
  /** It is the only service of its project. */
  readonly isAlone: boolean;
  readonly spec: DeploymentSpec;
}

/** Undefined: Compose has no words for this value. */
export type Writer<Field extends keyof DeploymentSpec> = (value: NonNullable<DeploymentSpec[Field]>, within: Within) => Part | undefined;

/** Below this name, unless there is nothing to say. */
export const under =
  (name: string) =>
  (value: unknown): Part => ({ service: named(name, value) });

export function named(name: string, value: unknown): Written {
  return isNothing(value) ? {} : { [name]: value };
}

/** Within the project, the way Compose itself names what has no name of its own. */
export function keyOf(name: string, project: string): string {
  const prefix = `${project}_`;
  return name.length > prefix.length && name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

export function duration(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
