import type { DeploymentSpec } from "../deployment/contract.ts";
import { duration, named, type Part, under, type Within, type Written } from "./write-part.ts";

const MILLIS_PER_CPU = 1_000;

export function writeResources(resources: DeploymentSpec["resources"]): Part {
  const { cpuLimitMillis, memoryLimitBytes, cpuReservedMillis, memoryReservedBytes, pidsLimit, ...further } = resources;
  const limits = { ...processors(cpuLimitMillis), ...memory(memoryLimitBytes), ...named("pids", pidsLimit) };
  const reservations = { ...processors(cpuReservedMillis), ...memory(memoryReservedBytes) };
  const { memorySwapLimitBytes, memorySwappiness, cpuShares, cpuset, shmSizeBytes, oomScoreAdjust, oomKillDisabled, blockWeight } = further;
  return {
    service: {
      ...named("memswap_limit", memorySwapLimitBytes === undefined ? undefined : String(memorySwapLimitBytes)),
      ...named("mem_swappiness", memorySwappiness),
      ...named("cpu_shares", cpuShares),
      ...named("cpuset", cpuset),
      ...named("shm_size", shmSizeBytes === undefined ? undefined : String(shmSizeBytes)),
      ...named("oom_score_adj", oomScoreAdjust),
      ...named("oom_kill_disable", oomKillDisabled),
      ...named("blkio_config", named("weight", blockWeight)),
      ...named("deploy", named("resources", { ...named("limits", limits), ...named("reservations", reservations) })),
    },
  };
}

/** Those about the platform are what Compose's platform means here, when they come first. */
export function writeConstraints(constraints: DeploymentSpec["constraints"]): Part {
  const [os, arch] = ["os", "arch"].map((field, index) => {
    const rule = constraints[index];
    return rule?.operator === "==" && rule.key === `node.platform.${field}` ? rule.value : undefined;
  });
  const platform = os === undefined || arch === undefined ? undefined : `${os}/${arch}`;
  const rules = constraints
    .slice(platform === undefined ? 0 : 2)
    .map((rule) => ("value" in rule ? `${labelled(rule.key)} ${rule.operator} ${rule.value}` : rule.key));
  return { service: { ...named("platform", platform), ...named("deploy", named("placement", named("constraints", rules))) } };
}

/** One word of Compose's for two fields: how many there are, and whether they end. */
export function writeMode(_field: unknown, { spec: { mode, run } }: Within): Part {
  return { service: { deploy: { mode: run === "job" ? `${mode}-job` : mode } } };
}

/** The older word where it says all, since more tools understand it. A job that runs again however it ended is none to Compose. */
export function writeRestart(policy: DeploymentSpec["restart"], { spec }: Within): Part | undefined {
  const { condition, maxAttempts, delayMs, windowMs } = policy;
  if (spec.run === "job" && condition === "any") return undefined;
  if (delayMs !== undefined || windowMs !== undefined || (maxAttempts !== undefined && condition !== "on-failure")) {
    const times = { ...named("delay", delayMs && duration(delayMs)), ...named("window", windowMs && duration(windowMs)) };
    return { service: { deploy: { restart_policy: { condition, ...named("max_attempts", maxAttempts), ...times } } } };
  }
  const attempts = maxAttempts === undefined ? "" : `:${maxAttempts}`;
  return under("restart")({ any: "always", "on-failure": `on-failure${attempts}`, none: "no" }[condition]);
}

export function writeRollout(policy: DeploymentSpec["rollout"]): Part {
  const { minHealthyMs, onFailure, rollback } = policy;
  const update = { ...paceOf(policy), monitor: duration(minHealthyMs), failure_action: onFailure };
  return { service: { deploy: { update_config: update, ...named("rollback_config", rollback && paceOf(rollback)) } } };
}

function paceOf({ maxSurge, maxUnavailable, delayMs }: NonNullable<DeploymentSpec["rollout"]["rollback"]>): Written {
  return { ...orderOf(maxSurge, maxUnavailable), ...named("delay", delayMs === undefined ? undefined : duration(delayMs)) };
}

/** How many are replaced at once, and whether new ones come first. */
function orderOf(maxSurge: number | string | undefined, maxUnavailable: number | string | undefined): Written {
  const inCompose = (share: number | string | undefined): number | undefined =>
    share === "100%" ? 0 : typeof share === "number" && share > 0 ? share : undefined;
  const [before, after] = [inCompose(maxUnavailable), inCompose(maxSurge)];
  if (maxSurge === 0 && before !== undefined) return { parallelism: before, order: "stop-first" };
  if (maxUnavailable === 0 && after !== undefined) return { parallelism: after, order: "start-first" };
  return {};
}

function processors(millis: number | undefined): Written {
  return millis === undefined || millis === 0 ? {} : { cpus: String(millis / MILLIS_PER_CPU) };
}

function memory(bytes: number | undefined): Written {
  return bytes === undefined || bytes === 0 ? {} : { memory: String(bytes) };
}

function labelled(key: string): string {
  return /^node\.(id|hostname|platform\.os|platform\.arch)$/.test(key) ? key : `node.labels.${key}`;
}
