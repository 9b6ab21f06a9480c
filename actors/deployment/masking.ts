import type { DeploymentView } from "../views.ts";
import type { FieldChange } from "./contract.ts";

/** Stands where a secret's value would. */
export const MASK = "(masked)";

/** Names people give to variables that hold secrets. A variable masked for nothing is only a nuisance; one shown is a leak. */
const SECRET_NAME = /pass|secret|token|credential|private|api_?key|(^|[_.-])(key|auth|dsn|pwd|cert)([_.-]|$)/i;
/** An address with a user and a password in it. */
const SECRET_ADDRESS = /:\/\/[^/\s:@]*:[^/\s@]+@/;
const ENVIRONMENT_PATH = "environment.";
const ROUTES_PATH = "routes";

/**
 * Secrets end in three places that more people may read than may change a deployment: differences, events, and a reader's view. The journal keeps them,
 * because the nodes need them.
 */
export function maskedChange(change: FieldChange): FieldChange {
  if (change.path === ROUTES_PATH) return { ...change, before: maskedData(change.before), after: maskedData(change.after) };
  if (!change.path.startsWith(ENVIRONMENT_PATH)) return change;
  const name = change.path.slice(ENVIRONMENT_PATH.length);
  return { ...change, before: maskedValue(name, change.before), after: maskedValue(name, change.after) };
}

/** Any data with templates somewhere in it. */
export function maskedData(data: unknown): unknown {
  if (typeof data !== "object" || data === null) return data;
  if (Array.isArray(data)) return data.map(maskedData);
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, masks[key]?.(value) ?? maskedData(value)]));
}

/** As people see it who may look at a deployment and not change it. */
export function maskedView(view: DeploymentView): DeploymentView {
  return { ...view, spec: maskedSpec(view.spec) };
}

export function maskedSpec(spec: DeploymentView["spec"]): DeploymentView["spec"] {
  return maskedData(spec) as DeploymentView["spec"];
}

/** By field, wherever in the data it stands. */
const masks: Readonly<Record<string, (value: unknown) => unknown>> = { environment: maskedEnvironment, basicAuth: maskedUsers };

/** `name:hash`: a hash can be guessed at for as long as one likes. */
function maskedUsers(lines: unknown): unknown {
  if (!Array.isArray(lines)) return lines;
  return lines.map((line) => (typeof line === "string" ? line.replace(/:.*/s, `:${MASK}`) : line));
}

function maskedEnvironment<Variables>(variables: Variables): Variables {
  if (typeof variables !== "object" || variables === null) return variables;
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, maskedValue(name, value)])) as Variables;
}

function maskedValue(name: string, value: unknown): unknown {
  const isSecret = typeof value === "string" && value !== "" && (SECRET_NAME.test(name) || SECRET_ADDRESS.test(value));
  return isSecret ? MASK : value;
}
