import type { DeploymentSpecInput } from "../deployment/contract.ts";
import { cpuMillis, durationMs, sizeBytes } from "./quantities.ts";
import { unsupportedInDeploy, unsupportedInUpdateConfig } from "./unsupported.ts";
import type { Place, YamlSource } from "./yaml-source.ts";

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
type DeployFields = Writable<Pick<DeploymentSpecInput, "replicas" | "resources" | "constraints" | "rollout">>;
type ConstraintInput = NonNullable<DeploymentSpecInput["constraints"]>[number];
type RolloutInput = Writable<NonNullable<DeploymentSpecInput["rollout"]>>;

const known = ["replicas", "mode", "resources", "placement", "update_config", "restart_policy"];

/** `deploy` of a service. `publishesPorts` decides how replicas are replaced: two cannot hold one port of a node at once. */
export function readDeploy(source: YamlSource, place: Place, publishesPorts: boolean): DeployFields {
  const result: DeployFields = {};
  for (const [name, at] of source.fields(place)) {
    const refused = Object.hasOwn(unsupportedInDeploy, name) ? unsupportedInDeploy[name] : undefined;
    if (name === "replicas") set(result, "replicas", source.wholeNumber(at));
    else if (name === "resources") result.resources = readResources(source, at);
    else if (name === "placement") result.constraints = [...readPlacement(source, at)];
    else if (name === "update_config") result.rollout = readUpdateConfig(source, at, publishesPorts);
    else if (name === "mode") readMode(source, at);
    else if (name === "restart_policy") readRestartPolicy(source, at);
    else if (refused !== undefined) source.error(at, refused.reason, refused.instead);
    else source.unknown(at, name, [...known, ...Object.keys(unsupportedInDeploy)]);
  }
  return result;
}

function set<Target extends object, Key extends keyof Target>(target: Target, key: Key, value: Target[Key] | undefined): void {
  if (value !== undefined) target[key] = value;
}

function readMode(source: YamlSource, at: Place): void {
  const mode = source.text(at);
  if (mode !== undefined && mode !== "replicated")
    source.error(at, `Mode "${mode}" is not supported: a deployment has a number of replicas.`, "write replicas.");
}

function readRestartPolicy(source: YamlSource, at: Place): void {
  for (const [name, field] of source.fields(at)) {
    const isAny = name === "condition" && source.text(field) === "any";
    if (!isAny) source.error(field, "Replicas always run again when they end, after growing pauses.", "leave restart_policy out.");
  }
}

function readResources(source: YamlSource, place: Place): NonNullable<DeploymentSpecInput["resources"]> {
  const result: Writable<NonNullable<DeploymentSpecInput["resources"]>> = {};
  for (const [name, at] of source.fields(place)) {
    if (name !== "limits" && name !== "reservations") {
      source.unknown(at, name, ["limits", "reservations"]);
      continue;
    }
    for (const [what, field] of source.fields(at)) {
      if (what === "cpus") set(result, name === "limits" ? "cpuLimitMillis" : "cpuReservedMillis", source.amount(field, cpuMillis, "0.5"));
      else if (what === "memory")
        set(result, name === "limits" ? "memoryLimitBytes" : "memoryReservedBytes", source.amount(field, sizeBytes, "512M"));
      else if (["pids", "devices", "generic_resources"].includes(what))
        source.error(field, `${what} cannot be limited or reserved yet.`, "leave it out.");
      else source.unknown(field, what, ["cpus", "memory", "pids", "devices", "generic_resources"]);
    }
  }
  return result;
}

function readPlacement(source: YamlSource, place: Place): readonly ConstraintInput[] {
  return [...source.fields(place)].flatMap(([name, at]) => {
    if (name === "constraints") return source.items(at).flatMap((item) => readConstraint(source, item) ?? []);
    if (name === "preferences") return source.error(at, "Replicas are spread over nodes already.", "leave it out.") ?? [];
    if (name === "max_replicas_per_node") return source.error(at, "A number of replicas per node cannot be given yet.") ?? [];
    source.unknown(at, name, ["constraints", "preferences", "max_replicas_per_node"]);
    return [];
  });
}

/** `node.labels.zone == eu`; a label's key is its name alone. */
function readConstraint(source: YamlSource, item: Place): ConstraintInput | undefined {
  const written = source.text(item);
  if (written === undefined) return undefined;
  const parts = /^\s*([^\s=!]+)\s*(==|!=)\s*(.*?)\s*$/.exec(written);
  const [, key = "", operator, value = ""] = parts ?? [];
  if (operator !== "==" && operator !== "!=")
    return source.error(item, `"${written}" is not a rule.`, 'write "node.labels.zone == eu", with == or !=.');
  if (key === "node.role" || key.startsWith("engine."))
    return source.error(item, `Nodes have no ${key}.`, "use node.hostname, node.platform.os, node.platform.arch or node.labels.NAME.");
  return { key: key.replace(/^node\.labels\./, ""), operator, value };
}

function readUpdateConfig(source: YamlSource, place: Place, publishesPorts: boolean): RolloutInput {
  const result: RolloutInput = {};
  const fields = source.fields(place);
  const supported = ["parallelism", "order", "failure_action", "monitor"];
  for (const [name, at] of fields) {
    const refused = Object.hasOwn(unsupportedInUpdateConfig, name) ? unsupportedInUpdateConfig[name] : undefined;
    if (refused !== undefined) {
      if (!/^0(\.0+)?s?$/.test(source.text(at) ?? "")) source.error(at, refused.reason, refused.instead);
    } else if (!supported.includes(name)) source.unknown(at, name, [...supported, ...Object.keys(unsupportedInUpdateConfig)]);
  }
  readOrder(source, place, fields, publishesPorts, result);
  readFailureAction(source, place, fields.get("failure_action"), result);
  const monitor = fields.get("monitor");
  if (monitor !== undefined) {
    set(result, "minHealthyMs", source.amount(monitor, durationMs, "10s"));
    source.warn(monitor, "A new replica counts once it has been healthy for this long; Compose would merely watch it for failures.");
  }
  return result;
}

/** parallelism and order become how many replicas may be too many, or too few. */
function readOrder(
  source: YamlSource,
  place: Place,
  fields: ReadonlyMap<string, Place>,
  publishesPorts: boolean,
  result: RolloutInput,
): void {
  const at = fields.get("parallelism");
  const parallelism = at === undefined ? 1 : (source.wholeNumber(at) ?? 1);
  const share = parallelism === 0 ? "100%" : parallelism;
  const orderAt = fields.get("order");
  const order = orderAt === undefined ? undefined : source.oneOf(orderAt, ["start-first", "stop-first"]);
  if (order === undefined && at === undefined) return;
  const stopsFirst = order === "stop-first" || (order === undefined && publishesPorts);
  Object.assign(result, stopsFirst ? { maxSurge: 0, maxUnavailable: share } : { maxSurge: share, maxUnavailable: 0 });
  if (order === undefined && !publishesPorts)
    source.warn(
      at ?? place,
      "Without an order, new replicas start before old ones stop; Compose would stop first.",
      "write order: stop-first or order: start-first to say it.",
    );
  if (order === "start-first" && publishesPorts) {
    source.warn(
      orderAt ?? place,
      "A published port is bound on its node, so a new replica needs a node where the old one is not.",
      "write order: stop-first when all nodes are taken.",
    );
  }
}

function readFailureAction(source: YamlSource, place: Place, at: Place | undefined, result: RolloutInput): void {
  if (at === undefined) {
    source.warn(place, "Without a failure_action, a failed update is rolled back; Compose would pause.", "write failure_action to say it.");
    return;
  }
  const action = source.oneOf(at, ["pause", "rollback", "continue"]);
  if (action === "continue") source.error(at, "A rollout that failed never goes on.", "write rollback or pause.");
  else if (action !== undefined) result.onFailure = action;
}
