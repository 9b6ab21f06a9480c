import { allowingWords, type Demand, demandsOf, demandWords, isAllowed, type NodeAllowance } from "../actors/node/allowance-contract.ts";
import type { PinnedTemplate } from "../actors/deployment/contract.ts";
import { engineFailures } from "./engine/failures.ts";
import type { RealPath } from "./real-path.ts";

/** What a node's owner lets containers have of it, and how its paths are judged. */
export interface OwnersWord {
  readonly node: string;
  readonly allows: NodeAllowance;
  readonly realPath: RealPath;
}

/**
 * The node's owner has the last word about the node: what the agent's own settings do not allow is not done, whatever the control plane believes. A path is
 * judged by where it leads, so that a link within what is allowed opens nothing beyond it. Rejects with `EngineFailure`.
 */
export async function refuseUnlessAllowed(template: PinnedTemplate, { node, allows, realPath }: OwnersWord): Promise<void> {
  const demands = demandsOf(template);
  if (demands.length === 0) return;
  const real = await realAllowance(allows, realPath);
  const refused: Demand[] = [];
  for (const demand of demands) {
    const isPath = demand.setting === "bindPaths" || demand.setting === "devices";
    const where = isPath ? { ...demand, value: await realPath(demand.value) } : demand;
    if (!isAllowed(where, real)) refused.push(demand);
  }
  if (refused.length === 0) return;
  throw engineFailures.notAllowed(node, refused.map(demandWords).join(" and "), refused.map(allowingWords).join(" and "));
}

async function realAllowance(allows: NodeAllowance, realPath: RealPath): Promise<NodeAllowance> {
  return {
    ...allows,
    bindPaths: await Promise.all(allows.bindPaths.map(realPath)),
    devices: await Promise.all(allows.devices.map(realPath)),
  };
}
