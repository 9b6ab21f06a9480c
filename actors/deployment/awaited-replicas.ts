import { ageText } from "../../runtime/age-text.ts";
import type { DeploymentView } from "../views.ts";
import type { PinnedTemplate } from "./contract.ts";
import { isDisconnected } from "./replica.ts";
import type { DeploymentState, PlacementRecord } from "./state.ts";

/** Replicas that may still run on lost nodes, by node. */
export function awaitedReplicas({ placements }: DeploymentState): NonNullable<DeploymentView["awaited"]> {
  const groups = Map.groupBy(Object.values(placements).filter(isDisconnected), nodeOf);
  return [...groups].map(([node, group]) => ({
    node,
    replicas: group.length,
    sinceMs: Math.min(...group.map(({ disconnectedSinceMs }) => disconnectedSinceMs ?? Infinity)),
  }));
}

function nodeOf({ stage }: PlacementRecord): string {
  return stage.stage === "assigned" ? stage.node : "";
}

export function awaitedCount({ awaited = [] }: Pick<DeploymentView, "awaited">): number {
  return awaited.reduce((sum, { replicas }) => sum + replicas, 0);
}

/** What a change to the template does without, for whoever plans it: one sentence for each node. */
export function awaitedFindings({ awaited = [] }: Pick<DeploymentView, "awaited">, { partition }: PinnedTemplate): readonly string[] {
  const fate = (node: string): string =>
    partition === "wait" ? `not changed before ${node} is back or removed, because partition is wait` : "given up and replaced";
  return awaited.map(
    ({ node, replicas }) =>
      `${replicas === 1 ? "one replica" : `${replicas} replicas`} may still run on ${node}, which is lost: ${fate(node)}`,
  );
}

/** What is waited for, since when, and how to end that: `; 1 of 3 on n2, lost for 40 s: ...`. Empty: nothing is. */
export function awaitedWords({ awaited = [], replicas, status }: DeploymentView, nowMs: number): string {
  return awaited
    .map(({ node, replicas: count, sinceMs }) => {
      const isLeaving = status === "deleting" || status === "stopping";
      const what = isLeaving ? "may still run" : "not replaced, because partition is wait";
      return `; ${count} of ${Math.max(count, replicas)} on ${node}, lost for ${ageText(nowMs - sinceMs)}: ${what}. If ${node} is gone for good: odysseus remove ${node}`;
    })
    .join("");
}
