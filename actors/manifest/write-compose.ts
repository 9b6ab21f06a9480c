import { stringify } from "yaml";
import { DeploymentSpec } from "../deployment/contract.ts";
import type { Condition, Dependency } from "../stack/contract.ts";
import { readProject } from "./read-compose.ts";
import { tiedByNetwork } from "./service-networks.ts";
import { type Part, type Section, sections, type Within, type Written } from "./write-part.ts";
import { saidEvenIfUsual, writers } from "./write-fields.ts";

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

/** Fields of which each one within takes the place of Compose's alone, so Compose's words may say a part of them. */
const SAID_IN_PARTS: ReadonlySet<string> = new Set(["rollout", "resources"]);

type Definitions = Readonly<Record<Section, Record<string, Written>>>;

/** A Compose file that asks for exactly this: what Compose has no field for is under `x-odysseus`. Reading it gives back what was written. */
export function writeCompose(stack: StackToWrite): string {
  const steps = composeSteps(stack);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The same service by service: each is read back several times, and thousands of them would keep a process from all else for seconds. */
export function* composeSteps({ name, onFailure, services }: StackToWrite): Generator<undefined, string, undefined> {
  const definitions: Definitions = { volumes: {}, networks: {}, configs: {}, secrets: {} };
  const isAlone = services.length === 1;
  const shared = tiedByNetwork(services);
  let text = `${textOf({ name })}${SERVICES}`;
  for (const item of services) {
    const { service, spec, after } = item;
    // Reading gives this word to whoever shares a network with another service.
    const said = shared.has(item) && spec.together === name ? { ...spec, together: undefined } : spec;
    const fields = { ...serviceOf(said, { project: name, service, isAlone, spec }, definitions), ...dependsOn(after) };
    text += textOf({ services: { [service]: fields } }).slice(SERVICES.length);
    yield;
  }
  const defined = Object.entries(definitions).filter(([, entries]) => Object.keys(entries).length > 0);
  const rest = { ...Object.fromEntries(defined), ...(onFailure === "rollback" ? {} : { "x-odysseus": { onFailure } }) };
  return Object.keys(rest).length === 0 ? text : text + textOf(rest);
}

/** As YAML begins them. */
const SERVICES = "services:\n";

function dependsOn(after: readonly Dependency[]): Written {
  if (after.length === 0) return {};
  return {
    depends_on: Object.fromEntries(
      after.map(({ service, condition, restart }) => [service, { condition: conditions[condition], ...(restart === true && { restart }) }]),
    ),
  };
}

/** Field by field: what has its default is left out, what Compose would read as something else is said in our own words. */
function serviceOf(spec: DeploymentSpec, within: Within, definitions: Definitions): Written {
  const { image } = spec;
  const usual = DeploymentSpec.parse({ image });
  const isApart = spec.networks === undefined && spec.namespaces?.network === undefined && !within.isAlone;
  // Without a word about networks, Compose would put it on one that all services of the project share.
  let fields: Written = { image, ...(isApart && { network_mode: "bridge" }) };
  const own: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(spec)) {
    const name = field as keyof DeploymentSpec;
    if (value === undefined || (isSame(value, usual[name]) && !saidEvenIfUsual.has(name))) continue;
    const part = (writers[name] as ((value: unknown, within: Within) => Part | undefined) | undefined)?.(value, within);
    const unsaid = part === undefined || !agrees(part, definitions) ? "all" : unsaidBy(part, name, value, within);
    if (part !== undefined && unsaid !== "all") {
      fields = merged(fields, part.service);
      for (const section of sections) Object.assign(definitions[section], part[section]);
    }
    if (unsaid === "all") own[field] = value;
    else if (unsaid !== undefined) own[field] = unsaid;
  }
  return Object.keys(own).length === 0 ? fields : { ...fields, "x-odysseus": own };
}

/** No other service has defined something else under one of its names. */
function agrees(part: Part, definitions: Definitions): boolean {
  return sections.every((section) =>
    Object.entries(part[section] ?? {}).every(([key, definition]) => isSame(definitions[section][key] ?? definition, definition)),
  );
}

/** What reading these words does not give back; undefined: nothing. */
function unsaidBy(part: Part, field: keyof DeploymentSpec, value: unknown, within: Within): unknown {
  const whole = readBack(part, within);
  if (whole === undefined) return "all";
  const read = whole[field];
  if (isSame(read, value)) return undefined;
  if (part.isPartly === true) return value;
  if (!SAID_IN_PARTS.has(field) || typeof read !== "object" || typeof value !== "object" || value === null) return "all";
  const wanted: Written = { ...value };
  if (Object.keys(read).some((name) => wanted[name] === undefined)) return "all";
  return Object.fromEntries(Object.entries(wanted).filter(([name, item]) => !isSame(item, (read as Written)[name])));
}

function readBack({ service, ...defined }: Part, { project, service: name, isAlone, spec: { image } }: Within): DeploymentSpec | undefined {
  const { isPartly: _isPartly, ...definitions } = defined;
  const neighbour = isAlone ? {} : { [`${name}-neighbour`]: { image } };
  const services = { [name]: { image, ...service }, ...neighbour };
  const { services: read } = readProject({
    manifests: [{ file: "compose.yaml", text: textOf({ name: project, services, ...definitions }) }],
  });
  return DeploymentSpec.safeParse(read.find((item) => item.name === name)?.spec).data;
}

/** Several fields meet in one mapping, as in `deploy.placement`. */
function merged(left: Written, right: Written): Written {
  const result: Record<string, unknown> = { ...left };
  for (const [name, value] of Object.entries(right)) {
    const before = result[name];
    result[name] = isMapping(before) && isMapping(value) ? merged(before, value) : value;
  }
  return result;
}

function isMapping(value: unknown): value is Written {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(whole: Written): string {
  return stringify(escaped(whole), { lineWidth: 0, aliasDuplicateObjects: false });
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
