import { DeploymentName, DeploymentSpec, type DeploymentSpecInput } from "../deployment/contract.ts";
import type { Finding } from "./finding.ts";
import { type ReadService, readService } from "./service.ts";
import { unsupportedTopLevel } from "./unsupported.ts";
import { type Place, TooMuch, YamlSource } from "./yaml-source.ts";

/** More services in one manifest are refused. */
const MAX_SERVICES = 100;

/** What a Compose file asks for. With an error among the findings, nothing may be done with it. */
export interface Manifest {
  readonly services: readonly { readonly name: string; readonly spec: DeploymentSpecInput }[];
  /** In the order of the file. */
  readonly findings: readonly Finding[];
}

/** Reads a Compose file: one deployment per service. Every field is understood, explained by a warning, or refused by an error; none is dropped. */
export function readCompose(text: string): Manifest {
  const source = new YamlSource(text);
  const services = hasErrors(source) ? [] : readAll(source);
  const findings = source.findings.toSorted((a, b) => a.line - b.line || a.column - b.column);
  return { services: hasErrors(source) ? [] : services, findings };
}

function readAll(source: YamlSource): Manifest["services"] {
  try {
    return readTopLevel(source).map(([name, place]) => ({ name, spec: checked(source, name, place, readService(source, place)) }));
  } catch (cause) {
    if (cause instanceof TooMuch) return [];
    throw cause;
  }
}

function readTopLevel(source: YamlSource): readonly (readonly [string, Place])[] {
  if (source.isNull(source.root))
    return source.error(source.root, "The manifest is empty.", "write services: and below it one name per service.") ?? [];
  const fields = source.fields(source.root);
  for (const [name, at] of fields) {
    const refused = Object.hasOwn(unsupportedTopLevel, name) ? unsupportedTopLevel[name] : undefined;
    if (refused !== undefined) source.error(at, refused.reason, refused.instead);
    else if (name === "version") source.warn(at, "The version is of no importance any more.", "leave it out.");
    else if (name === "name") source.warn(at, "The project's name is not used: deployments are named after their services.");
    else if (name !== "services" && !name.startsWith("x-"))
      source.unknown(at, name, ["services", "name", ...Object.keys(unsupportedTopLevel)]);
  }
  const servicesAt = fields.get("services");
  if (servicesAt === undefined)
    return source.error(source.root, "The manifest has no services.", "write services: and below it one name per service.") ?? [];
  const services = [...source.fields(servicesAt)];
  if (services.length > MAX_SERVICES)
    return source.error(servicesAt, `The manifest has ${services.length} services; the most are ${MAX_SERVICES}.`) ?? [];
  if (services.length === 0) source.error(servicesAt, "There is no service in it.");
  return services;
}

/** Values in bounds, as every surface demands them; here they can still be shown in the file. */
function checked(source: YamlSource, name: string, place: Place, { spec, origins }: ReadService): DeploymentSpecInput {
  if (!DeploymentName.safeParse(name).success) {
    const possible = name
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, "-")
      .replace(/^-+/, "")
      .slice(0, 48);
    source.error(
      place,
      `"${name}" cannot be the name of a deployment: 1 to 48 of a-z, 0-9 and -.`,
      possible === "" ? undefined : `write ${possible}.`,
    );
  }
  const result = spec.image === undefined ? undefined : DeploymentSpec.safeParse(spec);
  for (const issue of result?.error?.issues ?? []) {
    const at = origins.get(String(issue.path[0])) ?? place;
    source.error(at, `${issue.path.map(String).join(".")}: ${issue.message}.`);
  }
  return spec as DeploymentSpecInput;
}

function hasErrors(source: YamlSource): boolean {
  return source.findings.some((finding) => finding.severity === "error");
}
