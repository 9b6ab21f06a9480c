import { canonical, type Model } from "./oracle-model.ts";

/** Where Compose, and what became of its file here, come to something else. */
export interface Difference {
  /** Names within each other: `services`, `web`, `restart`. */
  readonly path: readonly string[];
  readonly compose: unknown;
  readonly here: unknown;
  /** Undefined: nobody knows why, and so it is a fault. */
  readonly reason: string | undefined;
}

interface Explanation {
  /** Without the names of what it is about. */
  readonly field: RegExp;
  readonly holds: (compose: unknown, here: unknown) => boolean;
  readonly reason: string;
}

const isLeftOut = (_compose: unknown, here: unknown): boolean => here === undefined;
const isAdded = (compose: unknown): boolean => compose === undefined;
const always = (): boolean => true;
const isOnly =
  (...fields: readonly string[]) =>
  (compose: unknown, here: unknown): boolean =>
    here === undefined && typeof compose === "object" && compose !== null && Object.keys(compose).every((name) => fields.includes(name));

const explanations: readonly Explanation[] = [
  {
    field: /^services\.\*\.restart$/,
    holds: (compose, here) => compose === undefined && here === "always",
    reason: "Without a word about it, a replica runs again whenever it ends; Compose would leave it ended.",
  },
  {
    field: /^services\.\*\.restart$/,
    holds: (compose, here) => compose === "unless-stopped" && here === "always",
    reason: "The two are the same here: what somebody stopped stays stopped.",
  },
  {
    field: /^services\.\*\.environment\.\*$/,
    holds: (compose, here) => compose === null && here === undefined,
    reason: "A variable that nothing sets is left out of the container, with Compose too.",
  },
  {
    field: /^services\.\*\.environment\.\*$/,
    holds: (compose, here) => typeof here === "string" && Number(compose) === Number(here),
    reason: "A number is taken as it is written, and not written anew.",
  },
  { field: /^services\.\*\.container_name$/, holds: isLeftOut, reason: "A container is named after its replica." },
  { field: /^services\.\*\.build(\..*)?$/, holds: isLeftOut, reason: "Nodes do not build: the image beside it is run." },
  {
    field: /^services\.\*\.pull_policy$/,
    holds: isLeftOut,
    reason: "An image is pinned when it is applied, and pulled where it is missing.",
  },
  {
    field: /^services\.\*\.(attach|develop)(\..*)?$/,
    holds: isLeftOut,
    reason: "It is about the terminal that applies, or about development.",
  },
  {
    field: /^services\.\*\.profiles$/,
    holds: isLeftOut,
    reason: "Services of profiles nobody asked for are gone, and the others need none.",
  },
  { field: /^services\.\*\.links$/, holds: isLeftOut, reason: "A linked service is waited for, and found by its name." },
  { field: /^services\.\*\.depends_on(\.\*)?$/, holds: isLeftOut, reason: "Who may be absent, and is, is not waited for." },
  {
    field: /^services\.\*\.healthcheck$/,
    holds: (compose, here) => here === undefined && /"disable":true|"NONE"|^(?!.*"test")/.test(JSON.stringify(compose)),
    reason: "No check is had by saying nothing: what an image brings along is not used.",
  },
  {
    field: /^services\.\*\.healthcheck\.start_interval$/,
    holds: isLeftOut,
    reason: "How often to probe while starting is chosen by the node.",
  },
  {
    field: /^services\.\*\.(ports|expose)$/,
    holds: always,
    reason: "A port without a published one is not published at random, so it is one that is open to other services.",
  },
  { field: /^services\.\*\.deploy\.mode$/, holds: isAdded, reason: "A service that is waited for until it has completed is a job." },
  {
    field: /^services\.\*\.deploy$/,
    holds: (compose, here) => compose === undefined && JSON.stringify(here) === '{"mode":"replicated-job"}',
    reason: "A service that is waited for until it has completed is a job.",
  },
  {
    field: /^services\.\*\.deploy\.rollback_config(\.(monitor|failure_action|max_failure_ratio))?$/,
    holds: isLeftOut,
    reason: "What counts and what fails is the same on the way back.",
  },
  {
    field: /^services\.\*\.deploy\.update_config\.max_failure_ratio$/,
    holds: isLeftOut,
    reason: "A rollout succeeds with all of its replicas.",
  },
  {
    field: /^services\.\*\.deploy\.update_config\.failure_action$/,
    holds: (compose, here) => compose === "continue" && here === "pause",
    reason: "A rollout that failed stops where it is.",
  },
  { field: /^services\.\*\.deploy\.placement\.preferences$/, holds: isLeftOut, reason: "Replicas are spread over nodes." },
  {
    field: /^services\.\*\.deploy\.(update|rollback)_config\.(order|parallelism|monitor|failure_action)$/,
    holds: isAdded,
    reason: "The default is another one, so it is written.",
  },
  {
    field: /^services\.\*\.logging(\.driver)?$/,
    holds: (compose, here) => here === undefined && !/"(json-file|local)"/.test(JSON.stringify(compose)),
    reason: "Output is kept on the node within its bounds, as evidence, and sent nowhere.",
  },
  {
    field: /^services\.\*\.logging\.options\.(tag|labels|env)(-regex)?$/,
    holds: isLeftOut,
    reason: "It only adds words to the engine's own files.",
  },
  {
    field: /^services\.\*\.networks(\.\*)?(\.aliases)?$/,
    holds: (compose, here) => compose === undefined && JSON.stringify(here).includes("alias"),
    reason: "A name that a link or container_name gives is one for all on the network.",
  },
  {
    field: /^services\.\*\.(stop_signal|cap_add\[\]|cap_drop\[\])$/,
    holds: (compose, here) =>
      String(compose).toUpperCase().replace(/^CAP_/, "") ===
      String(here).replace(/^SIG/, String(compose).toUpperCase().startsWith("SIG") ? "SIG" : ""),
    reason: "Signals and capabilities have one spelling each.",
  },
  {
    field: /^services\.\*\.networks\.\*(\.(priority|gw_priority))?$/,
    holds: isOnlyPriority,
    reason: "Networks are written in the order of their priority.",
  },
  {
    field: /^(configs|secrets)\.\*\.(file|content|environment)$/,
    holds: isLeftOut,
    reason: "The content is sealed when it is applied, and written nowhere.",
  },
  { field: /^(configs|secrets)\.\*\.external$/, holds: isAdded, reason: "The content is sealed when it is applied, and written nowhere." },
  { field: /^(configs|secrets)\.\*$/, holds: isLeftOut, reason: "No service uses it." },
  { field: /^(volumes|networks)\.\*$/, holds: isLeftOut, reason: "No service uses it." },
  {
    field: /^(volumes|configs)(\.\*)?$/,
    holds: isAdded,
    reason: "What nobody defined is made, with a warning: a volume, or what stands for a file or folder beside the manifest.",
  },
  {
    field: /^networks\.\*\.attachable$/,
    holds: isLeftOut,
    reason: "Every container of the tenant may be given it.",
  },
  {
    field: /^networks\.\*\.(driver|driver_opts)$/,
    holds: (compose, here) => here === undefined && (compose === "overlay" || JSON.stringify(compose).includes("encrypted")),
    reason: "No network spans nodes yet: those who share one run on one node together.",
  },
  {
    field: /^services\.\*\.volumes\[\]\.source$/,
    holds: (compose, here) => typeof compose === "string" && /\/\.\.?(\/|$)|\/$/.test(compose) && typeof here === "string",
    reason: "A path of the node is written without dots and without a slash at its end, as it is compared with what the node allows.",
  },
  { field: /^services\.\*\.volumes\[\]\.bind(\.selinux)?$/, holds: isOnly("selinux"), reason: "Directories of a node are not labelled." },
];

function isOnlyPriority(compose: unknown, here: unknown): boolean {
  return typeof compose === "number" || isOnly("priority", "gw_priority")(compose, here);
}

/** Services are compared under the names they have here, and without what lies beside the manifest, in `directory`: `a/b` is no name of a volume. */
export function differencesOf(compose: Model, here: Model, directory: string): readonly Difference[] {
  const found: Difference[] = [];
  const theirs = renamed(canonical(compose), found);
  const beside = targetsOf(theirs, ({ type, source }) => (type === "bind" ? isWithin(source, directory) : String(source).includes("/")));
  for (const [service, targets] of beside)
    for (const target of targets)
      found.push({
        path: ["services", service, "volumes"],
        compose: target,
        here: target,
        reason: "A file beside the manifest is read when it is applied; a volume takes the place of a folder that is not there.",
      });
  compare(withoutTargets(theirs, beside), withoutTargets(canonical(here), beside), [], found);
  return found;
}

type Services = Readonly<Record<string, Record<string, unknown>>>;
type Targets = ReadonlyMap<string, ReadonlySet<unknown>>;

function isWithin(path: unknown, directory: string): boolean {
  return path === directory || String(path).startsWith(`${directory}/`);
}

function servicesOf(model: Model): Services {
  return (model["services"] ?? {}) as Services;
}

function itemsOf(service: Readonly<Record<string, unknown>>, field: string): readonly Record<string, unknown>[] {
  return (service[field] ?? []) as Record<string, unknown>[];
}

function targetsOf(model: Model, isMeant: (mount: Record<string, unknown>) => boolean): Targets {
  const services = Object.entries(servicesOf(model));
  return new Map(
    services.map(([name, service]) => [
      name,
      new Set(
        itemsOf(service, "volumes")
          .filter(isMeant)
          .map(({ target }) => target),
      ),
    ]),
  );
}

function withoutTargets(model: Model, targets: Targets): Model {
  const services = Object.entries(servicesOf(model)).map(([name, service]) => {
    const kept = (field: string): Record<string, unknown> => {
      const items = itemsOf(service, field).filter(({ target }) => targets.get(name)?.has(target) !== true);
      return items.length === 0 ? {} : { [field]: items };
    };
    const { volumes: _mounts, configs: _files, ...others } = service;
    return [name, { ...others, ...kept("volumes"), ...kept("configs") }];
  });
  return { ...model, services: Object.fromEntries(services) };
}

function renamed(model: Model, found: Difference[]): Model {
  const services = Object.entries((model["services"] ?? {}) as Record<string, Record<string, unknown>>);
  const nameOf = (name: string): string =>
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]/g, "-")
      .replace(/^-+/, "");
  const changed = services.map(([name, service]) => {
    if (nameOf(name) !== name)
      found.push({
        path: ["services", name],
        compose: name,
        here: nameOf(name),
        reason: "A name is of a-z, 0-9 and -; others are changed, and told.",
      });
    const waits = Object.entries(service["depends_on"] ?? {}).map(([other, how]: [string, unknown]) => [nameOf(other), how]);
    return [nameOf(name), { ...service, ...(waits.length > 0 && { depends_on: Object.fromEntries(waits) }) }];
  });
  return { ...model, services: Object.fromEntries(changed) };
}

function compare(compose: unknown, here: unknown, path: readonly string[], found: Difference[]): void {
  if (JSON.stringify(compose) === JSON.stringify(here)) return;
  if (isFields(compose) && isFields(here)) {
    for (const name of new Set([...Object.keys(compose), ...Object.keys(here)])) compare(compose[name], here[name], [...path, name], found);
  } else if (Array.isArray(compose) && Array.isArray(here) && compose.length === here.length) {
    compose.forEach((item, index) => compare(item, here[index], [...path, "[]"], found));
  } else if (isFields(compose) && here === undefined && path.at(-1) === "environment") {
    for (const [name, value] of Object.entries(compose)) compare(value, undefined, [...path, name], found);
  } else {
    const field = fieldOf(path);
    const known = explanations.find((explanation) => explanation.field.test(field) && explanation.holds(compose, here));
    found.push({ path, compose, here, reason: known?.reason });
  }
}

/** Below these fields stand names that somebody has given. */
const naming: ReadonlySet<string> = new Set(["environment", "labels", "networks", "depends_on", "sysctls"]);

/** `services.*.environment.*`: without the names somebody has given. */
export function fieldOf(path: readonly string[]): string {
  return path
    .map((name, index) => (index === 1 || (index === 3 && path[0] === "services" && naming.has(path[2] ?? "")) ? "*" : name))
    .join(".")
    .replaceAll(".[]", "[]");
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
