import type { PinnedTemplate } from "./contract.ts";

/** A deployment that has no number of replicas is written with this one, which nobody has to give. */
export const REPLICAS_OF_A_GLOBAL = 1;

/** What makes a template's mode impossible; each one sentence. */
export function modeProblems({ mode, together, maxReplicasPerNode }: PinnedTemplate, replicas: number): readonly string[] {
  if (mode !== "global") return [];
  return [
    ...(replicas === REPLICAS_OF_A_GLOBAL
      ? []
      : ["replicas: one that is global has a replica on every node that fits: leave the number out"]),
    ...(maxReplicasPerNode === 0 ? [] : ["maxReplicasPerNode: one that is global has one replica on a node: leave it out"]),
    ...(together === undefined ? [] : ["together: one that is global is on every node that fits, and cannot be tied to one: leave it out"]),
  ];
}
