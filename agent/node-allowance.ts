import { allowingWords, demandsOf, demandWords, isAllowed, type NodeAllowance } from "../actors/node/allowance-contract.ts";
import type { PinnedTemplate } from "../actors/deployment/contract.ts";
import { engineFailures } from "./engine/failures.ts";

/**
 * The node's owner has the last word about the node: what the agent's own settings do not allow is not done, whatever the control plane believes. Throws
 * `EngineFailure`.
 */
export function refuseUnlessAllowed(template: PinnedTemplate, allows: NodeAllowance, node: string): void {
  const refused = demandsOf(template).filter((demand) => !isAllowed(demand, allows));
  if (refused.length === 0) return;
  throw engineFailures.notAllowed(node, refused.map(demandWords).join(" and "), refused.map(allowingWords).join(" and "));
}
