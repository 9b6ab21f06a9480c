import { frontendsOf } from "../../../actors/deployment/frontends.ts";
import { claimsOf } from "../../../actors/ingress/claims.ts";
import { nodesOf } from "../../../actors/scheduler/state.ts";
import type { StackState } from "../../../actors/stack/state.ts";
import type { Truth } from "../truth.ts";
import type { Report } from "../violation.ts";

/** For a wake-up to be heard and what follows it to be written. */
const GRACE_MS = 5_000;

/** While everything works, a stack's rollout is over when its time is. */
export function checkStackDeadlines({ stacks }: Truth, nowMs: number, report: Report): void {
  for (const { name, rollout } of stacks.values())
    if (rollout?.outcome === "in-progress" && rollout.deadlineAtMs + GRACE_MS < nowMs)
      report("a stack's rollout ends in time", `${name}, rollout ${rollout.id}: ${nowMs - rollout.deadlineAtMs} ms too late`);
}

/** At rest no stack is on its way, knows its members as they are, and has their groups on one node. */
export function ofStacks(truth: Truth): readonly string[] {
  return [...[...truth.stacks.values()].flatMap((state) => ofStack(truth, state)), ...ofGroups(truth), ...ofClaims(truth)];
}

function ofStack({ deployments }: Truth, { name, rollout, members }: StackState): readonly string[] {
  if (rollout?.outcome === "in-progress") return [`stack ${name}: rollout ${rollout.id} (${rollout.change}) is in progress`];
  return members.flatMap(({ deployment, standing, refused }) => {
    const is = deployments.get(deployment);
    if (is?.membership?.stack !== name || refused !== undefined) return [];
    const isKnown = standing?.mode === is.mode && standing.revision === is.revision && standing.order === is.membership.order;
    return isKnown
      ? []
      : [`stack ${name}: ${deployment} is ${is.mode} at ${is.revision}, known as ${standing?.mode} at ${standing?.revision}`];
  });
}

/** Replicas that find each other by name alone are on one node, or about to leave it, and data is where who uses it runs. */
function ofGroups({ deployments, scheduler: { reservations, volumes } }: Truth): readonly string[] {
  const groups = new Map<string, Set<string>>();
  const found: string[] = [];
  for (const { deployment, placementId, together, node, volumes: used = [] } of reservations) {
    const isLeaving = deployments.get(deployment)?.placements[placementId]?.evacuation !== undefined;
    if (together !== undefined && !isLeaving) groups.set(together, (groups.get(together) ?? new Set()).add(node));
    for (const volume of used) {
      const places = volumes[volume] === undefined ? [] : nodesOf(volumes[volume]);
      if (!places.includes(node)) found.push(`${placementId} is on ${node}, its data on ${places.join(" and ")}`);
    }
  }
  for (const [group, nodes] of groups) if (nodes.size > 1) found.push(`the group ${group} is on ${[...nodes].join(" and ")}`);
  return found;
}

/** The ingress holds what deployments publish, and nothing else. */
function ofClaims({ deployments, ingress: { claims } }: Truth): readonly string[] {
  const key = ({ deployment, key: claimed, use }: (typeof claims)[number]): string => `${use} ${claimed} of ${deployment}`;
  const wanted = new Set([...deployments.values()].flatMap((state) => claimsOf(state.name, frontendsOf(state), undefined).map(key)));
  const held = new Set(claims.map(key));
  return [
    ...[...wanted].filter((claim) => !held.has(claim)).map((claim) => `the ingress does not hold ${claim}`),
    ...[...held].filter((claim) => !wanted.has(claim)).map((claim) => `the ingress still holds ${claim}`),
  ];
}
