import type { DeploymentView } from "../../../actors/views.ts";
import { ask } from "../routes.ts";
import { type Action, ifGeneration, naming, type Options, text, whole } from "../session.ts";
import { usage } from "../stop.ts";
import { type SpokenTemplate, spokenTemplate } from "../template-flags.ts";
import { finish, waitingOf, type Written } from "./change.ts";

/** Creates a deployment from flags. */
export const deploy: Action = async (session, [name = "", ...command], options) => {
  const waiting = waitingOf(options);
  const spoken = spokenTemplate(options, command);
  if (spoken.image === undefined) throw usage("--image is missing: what should run?", `odysseus deploy ${name} --image nginx:1.27`);
  if (spoken.health === "none") throw usage("--health none is for update: a new deployment has no health check unless you give one.");
  if (spoken.health === undefined && isAny(spoken.healthTimes))
    throw usage("There is no health check whose times these are: give --health too.");
  const replicas = whole(text(options, "replicas"), "--replicas");
  const body = {
    name,
    ...(replicas !== undefined && { replicas }),
    ...fieldsOf(spoken),
    ...(spoken.pull === "never" && { pull: spoken.pull }),
    ...(spoken.health !== undefined && { health: { ...spoken.health, ...spoken.healthTimes } }),
  };
  const written = await ask<Written>(session.api(), "deployments.create", { body });
  const words = `revision ${written.revision} is rolling out, ${howMany(replicas, options)} of ${spoken.image}`;
  await finish(session, waiting, [{ written, words }]);
};

function howMany(replicas = 1, options: Options): string {
  if (text(options, "mode") === "global") return "one replica on every node that fits";
  return `${replicas} ${replicas === 1 ? "replica" : "replicas"}`;
}

/** Changes what is said and nothing else. */
export const update: Action = async (session, [name = "", ...command], options) => {
  const waiting = waitingOf(options);
  const spoken = spokenTemplate(options, command);
  const replicas = whole(text(options, "replicas"), "--replicas");
  const taken = Object.fromEntries(spoken.unsetEnvironment.map((variable) => [variable, null]));
  const fields = {
    ...fieldsOf(spoken),
    ...(spoken.pull !== undefined && { pull: spoken.pull === "never" ? spoken.pull : null }),
    ...(isAny({ ...spoken.environment, ...taken }) && { environment: { ...spoken.environment, ...taken } }),
    ...(replicas !== undefined && { replicas }),
  };
  const touchesHealth = spoken.health !== undefined || isAny(spoken.healthTimes);
  if (!isAny(fields) && !touchesHealth)
    throw usage("What should change? Give at least one field.", `odysseus update ${name} --image nginx:1.28 --wait`);
  const written = await naming(session, "deployments", name, async () => {
    if (!touchesHealth)
      return ask<Written>(session.api(), "deployments.update", { name, body: fields, ifGeneration: ifGeneration(options) });
    // The check is replaced whole, so it is made from the present one, which must not have been changed by somebody else meanwhile.
    const current = await ask<DeploymentView>(session.api(), "deployments.get", { name });
    const body = { ...fields, health: healthOf(spoken, current.spec.health) };
    return ask<Written>(session.api(), "deployments.update", { name, body, ifGeneration: ifGeneration(options) ?? current.generation });
  });
  await finish(session, waiting, [{ written, words: updatedWords(written) }]);
};

function updatedWords({ change, revision, rollout }: Written): string {
  if (change === "unchanged") return "nothing to change, it is so already";
  return rollout === undefined ? "changed" : `revision ${revision} is rolling out`;
}

function fieldsOf({
  image,
  command,
  entrypoint,
  ports,
  routes,
  constraints,
  environment,
  labels,
  resources,
  rollout,
  plain,
}: SpokenTemplate): Record<string, unknown> {
  return {
    ...(image !== undefined && { image }),
    ...(command !== undefined && { command }),
    ...(entrypoint !== undefined && { entrypoint }),
    ...(ports !== undefined && { ports }),
    ...(routes !== undefined && { routes }),
    ...(constraints !== undefined && { constraints }),
    ...(isAny(environment) && { environment }),
    ...(isAny(labels) && { labels }),
    ...(isAny(resources) && { resources }),
    ...(isAny(rollout) && { rollout }),
    ...plain,
  };
}

function healthOf(spoken: SpokenTemplate, current: DeploymentView["spec"]["health"]): unknown {
  if (spoken.health === "none") return null;
  if (spoken.health === undefined && current === undefined)
    throw usage("There is no health check whose times could be changed: give --health too.");
  if (spoken.health === undefined || current === undefined) return { ...current, ...spoken.health, ...spoken.healthTimes };
  const { intervalMs, timeoutMs, startPeriodMs, retries, successes } = current;
  return { intervalMs, timeoutMs, startPeriodMs, retries, successes, ...spoken.health, ...spoken.healthTimes };
}

function isAny(values: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(values).length > 0;
}
