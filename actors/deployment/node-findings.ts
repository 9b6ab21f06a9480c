import { allowingWords, demandsOf, demandWords } from "../node/allowance-contract.ts";
import type { PinnedTemplate } from "./contract.ts";
import { keptVolumes, writesToVolume } from "./mount-contract.ts";

/** What a template means for the nodes that may take it, in sentences for a plan. */
export function nodeFindings(template: PinnedTemplate): readonly string[] {
  return [...globalFindings(template), ...volumeFindings(template), ...togetherFindings(template), ...demandFindings(template)];
}

function globalFindings({ mode, networks }: PinnedTemplate): readonly string[] {
  if (mode !== "global") return [];
  const alone = "On each node it is found by name, and finds others, only among what runs on that node.";
  return ["One replica runs on every node that fits, and on each that fits later.", ...(networks === undefined ? [] : [alone])];
}

function volumeFindings({ mode, mounts }: PinnedTemplate): readonly string[] {
  const names = keptVolumes(mounts);
  if (names.length === 0) return [];
  if (mode === "global") return [`Each node has data of its own in ${names.join(", ")}, which only deployments that are global can share.`];
  const stops = writesToVolume(mounts)
    ? ", and an update stops the old replica before it starts the new one, unless max-surge says otherwise"
    : "";
  return [`Replicas run on the node that holds the data of ${names.join(", ")}, all of them on that one${stops}.`];
}

function togetherFindings({ together }: PinnedTemplate): readonly string[] {
  return together === undefined ? [] : [`Its replicas run on one node, together with all others of ${together}.`];
}

/** Who will take it is for the nodes to say, and known when it is placed. */
function demandFindings(template: PinnedTemplate): readonly string[] {
  const demands = demandsOf(template);
  if (demands.length === 0) return [];
  return [
    `It wants ${demands.map(demandWords).join(" and ")}: only a node whose agent's settings allow it takes it (${demands.map(allowingWords).join(" and ")}).`,
  ];
}
