import { fewOf } from "./sentence.ts";
import type { Rollout } from "./state.ts";

/** Of rollouts that replace no replica. Pure. */

/** Whether what it changes is still to be served by the nodes that take traffic. */
export function awaitsIngress({ spares, behind, diff }: Rollout): boolean {
  return spares === true && behind === undefined && diff.some(({ path }) => path === "routes" || path === "ports");
}

/** It starts no replica either, so nothing is there that could fail it: nobody goes back. */
export function startsNone({ spares, diff, outcome }: Rollout): boolean {
  return spares === true && outcome === "in-progress" && diff.every(({ path }) => path !== "replicas");
}

/** What it changed instead of replicas, and who is behind. */
export function sparingWords(rollout: Rollout): readonly string[] {
  const { spares, behind = [], diff } = rollout;
  if (spares !== true) return [];
  const fields = [...new Set(diff.map(({ path }) => path.split(".", 1)[0] ?? path))];
  return [
    ...(fields.length === 0 ? [] : [`${fewOf(fields)} changed`]),
    "no replica was replaced",
    ...(behind.length === 0 ? [] : [`${fewOf(behind)} ${behind.length === 1 ? "does" : "do"} not serve it yet`]),
    ...(awaitsIngress(rollout) ? ["the ingress has not said who serves it"] : []),
  ];
}
