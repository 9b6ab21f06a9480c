import type { DeploymentSpecInput } from "../deployment/contract.ts";
import type { Dependency } from "../stack/contract.ts";
import type { Draft, TopLevel } from "./draft.ts";
import { readEnvFile } from "./env-file.ts";
import { readFields } from "./fields.ts";
import type { Finding } from "./finding.ts";
import { Findings, TooMuch } from "./findings.ts";
import type { Variables } from "./interpolate.ts";
import { giveLinkNames } from "./links.ts";
import { type NamedText, ProjectLoader } from "./load-project.ts";
import { withoutResets } from "./merge.ts";
import { ServiceNames, stackName } from "./names.ts";
import { inOrder } from "./order.ts";
import { NamedFiles, noFiles, type ProjectFiles } from "./project-files.ts";
import { type Place, Reading } from "./reading.ts";
import { readService } from "./service.ts";
import { keepTogether } from "./service-networks.ts";
import { topLevelFields } from "./top-level.ts";
import { isNull, type SourceDocument, type Value } from "./value.ts";
import { VariableFilling } from "./variables.ts";

/** More services in one project are refused. */
const MAX_SERVICES = 5_000;

/** What a project is called that nobody names and that has no folder. */
const NAMELESS = "project";

/** A project as the person names it. */
export interface Project {
  /** Later ones over earlier ones. Paths in them are relative to the project's folder. */
  readonly manifests: readonly NamedText[];
  /** What `env_file`, `include` and `extends` may name. Absent: nothing. */
  readonly files?: ProjectFiles;
  /** Files of variables, `.env` or what is used in its place; later ones over earlier ones. */
  readonly envFiles?: readonly NamedText[];
  /** Variables of the shell; they come before those of files. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** `*` asks for all of them. `COMPOSE_PROFILES` adds to them. */
  readonly profiles?: readonly string[];
  /** What the project is called, whatever its manifests say. */
  readonly name?: string;
  /** What it is called where neither a person nor a manifest says it. */
  readonly folderName?: string;
}

/** What a project asks for. With an error among the findings, nothing may be done with it. */
export interface Manifest {
  /** Of the stack. */
  readonly name: string;
  /** Where the manifest says it. */
  readonly onFailure: "rollback" | "pause" | undefined;
  /** In an order in which none comes before one it depends on. */
  readonly services: readonly Service[];
  /** By file, then by line. */
  readonly findings: readonly Finding[];
}

export interface Service {
  readonly name: string;
  readonly spec: DeploymentSpecInput;
  readonly after: readonly Dependency[];
}

/** Reads one Compose file that names no other files. */
export function readCompose(text: string): Manifest {
  return readProject({ manifests: [{ file: "compose.yaml", text }] });
}

/** Reads a project: a stack with a member per service. Every field is understood, explained by a warning, or refused by an error; none is dropped. */
export function readProject(project: Project): Manifest {
  const findings = new Findings();
  const { name, onFailure, services } = readWhole(project, findings);
  return {
    name,
    onFailure,
    services: findings.hasErrors ? [] : services,
    findings: findings.sorted({ path: "", origin: { document: nowhere, offset: 0 } }),
  };
}

type Read = Omit<Manifest, "findings">;
const nothing: Read = { name: "", onFailure: undefined, services: [] };

const nowhere: SourceDocument = {
  file: "",
  directory: "",
  variables: { get: () => undefined },
  position: () => ({ line: 1, column: 1 }),
};

function readWhole(project: Project, findings: Findings): Read {
  try {
    const files = new NamedFiles(project.files ?? noFiles, findings);
    const filling = new VariableFilling(findings);
    const loader = new ProjectLoader(findings, files, filling);
    const variables = projectVariables(project, loader, findings, filling);
    const root = loader.load(project.manifests, "", variables);
    if (root === undefined) return nothing;
    const profiles = [...(project.profiles ?? []), ...(variables.get("COMPOSE_PROFILES") ?? "").split(",")].filter((name) => name !== "");
    const whole = withoutResets(root);
    const top: TopLevel = {};
    const given = variables.get("COMPOSE_PROJECT_NAME");
    const name = stackName(given, project.folderName ?? NAMELESS, findings, { path: "name", origin: whole.origin });
    const services = readTree(new Reading(name, findings, files, filling), whole, new Set(profiles), top);
    return { name, onFailure: top.onFailure, services };
  } catch (cause) {
    if (cause instanceof TooMuch) return nothing;
    throw cause;
  }
}

function projectVariables(project: Project, loader: ProjectLoader, findings: Findings, filling: VariableFilling): Variables {
  const shell = project.environment ?? {};
  const values = new Map<string, string>();
  const variables: Variables = {
    get: (name) =>
      (name === "COMPOSE_PROJECT_NAME" ? project.name : undefined) ??
      (Object.hasOwn(shell, name) ? shell[name] : undefined) ??
      values.get(name) ??
      (name === "COMPOSE_PROJECT_NAME" ? (loader.projectName ?? project.folderName) : undefined),
  };
  for (const { file, text } of project.envFiles ?? []) readEnvFile(text, file, "compose", { findings, filling, variables }, values);
  return variables;
}

function readTree(
  reading: Reading,
  root: ReturnType<typeof withoutResets>,
  profiles: ReadonlySet<string>,
  top: TopLevel,
): Manifest["services"] {
  const whole: Place = { path: "", origin: root.origin, value: root };
  if (isOfVersion1(root))
    return (
      reading.invalid(
        whole,
        "Services stand at the top, as they did before version 2 of Compose's format.",
        "write services: at the top, and all of this below it.",
      ) ?? []
    );
  readFields(reading, whole, topLevelFields, top);
  if (top.services === undefined)
    return root.kind === "map" && root.fields.has("services")
      ? []
      : (reading.invalid(whole, "The manifest has no services.", "write services: and below it one name per service.") ?? []);
  const services = [...reading.fields(top.services)];
  if (services.length > MAX_SERVICES)
    return (
      reading.findings.error("too-much", top.services, `The project has ${services.length} services; the most are ${MAX_SERVICES}.`) ?? []
    );
  if (services.length === 0) reading.invalid(top.services, "There is no service in it.");
  const { wanted, idle } = byProfile(reading, services, profiles);
  const drafts = wanted.map(([name, place]) => ({ name, draft: readService(reading, name, place, wanted.length === 1) }));
  giveLinkNames(reading, drafts);
  keepTogether(
    reading,
    top.services,
    drafts.map(({ draft }) => draft),
  );
  markJobs(reading, drafts);
  const names = new ServiceNames(services.map(([name]) => name));
  const called = new Map(wanted.map(([name, place]) => [name, names.of(reading, name, place)]));
  return inOrder(reading, drafts, idle).map(({ name, draft }) => ({
    name: called.get(name) ?? name,
    spec: draft.spec as DeploymentSpecInput,
    after: afterOf(draft, called),
  }));
}

function isOfVersion1(root: Value): boolean {
  if (root.kind !== "map" || root.fields.has("services")) return false;
  return [...root.fields].some(
    ([name, field]) => !name.startsWith("x-") && field.kind === "map" && (field.fields.has("image") || field.fields.has("build")),
  );
}

/** Those that may be absent, and are, are not waited for. Whoever is named twice, by `links` too, is waited for as the stricter word says, and restarted with where both say so. */
function afterOf({ dependencies }: Draft, called: ReadonlyMap<string, string>): readonly Dependency[] {
  const after = new Map<string, Dependency>();
  for (const { name, condition, restart } of dependencies) {
    const service = called.get(name);
    const known = after.get(name);
    if (service === undefined) continue;
    const isRestarted = restart && (known === undefined || known.restart === true);
    const stricter = known === undefined || known.condition === "started" ? condition : known.condition;
    after.set(name, { service, condition: stricter, ...(isRestarted && { restart: true }) });
  }
  return [...after.values()];
}

/** Who is waited for until it has completed is one that completes. */
function markJobs(reading: Reading, services: readonly { readonly name: string; readonly draft: Draft }[]): void {
  const byName = new Map(services.map(({ name, draft }) => [name, draft]));
  for (const { draft } of services)
    for (const { name, condition, at } of draft.dependencies)
      if (condition === "completed") byName.get(name)?.becomeJob(reading, at, "none");
}

type Named = readonly [name: string, place: Place];

/** A service without profiles is always wanted. */
function byProfile(
  reading: Reading,
  services: readonly Named[],
  asked: ReadonlySet<string>,
): { readonly wanted: readonly Named[]; readonly idle: ReadonlySet<string> } {
  const idle = new Set<string>();
  const wanted = services.filter(([name, place]) => {
    const at = profilesOf(reading, place);
    if (at === undefined) return true;
    const names = reading.items(at).map((item) => reading.text(item) ?? "");
    if (names.length === 0 || asked.has("*") || names.some((profile) => asked.has(profile))) return true;
    idle.add(name);
    reading.differs(
      at,
      `"${name}" is left alone: it belongs to a profile that is not asked for.`,
      `ask with --profile ${names.find((profile) => profile !== "") ?? "NAME"}.`,
    );
    return false;
  });
  return { wanted, idle };
}

function profilesOf(reading: Reading, place: Place): Place | undefined {
  const profiles = place.value.kind === "map" ? place.value.fields.get("profiles") : undefined;
  return profiles === undefined || isNull(profiles) ? undefined : reading.field(place, "profiles", profiles);
}
