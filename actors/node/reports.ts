import type { Outgoing } from "../../runtime/actor.ts";
import { addressOf } from "../../runtime/address.ts";
import type { Placement } from "./assignment-contract.ts";
import type { NodeReport } from "./messages.ts";

/** To each deployment that has some of them, what is to be said of its own. */
export function reports(
  tenant: string,
  placements: readonly Placement[],
  report: (placementIds: readonly string[]) => NodeReport,
): readonly Outgoing[] {
  const groups = Map.groupBy(placements, ({ deployment }) => deployment);
  return [...groups].map(([deployment, group]) => ({
    to: addressOf(tenant, "deployment", deployment),
    message: report(group.map(({ placementId }) => placementId)),
  }));
}

export const lost =
  (node: string) =>
  (placementIds: readonly string[]): NodeReport => ({ kind: "lost", node, placementIds });

export const gone =
  (node: string) =>
  (placementIds: readonly string[]): NodeReport => ({ kind: "gone", node, placementIds });

export const evacuate =
  (node: string) =>
  (placementIds: readonly string[]): NodeReport => ({ kind: "evacuate", node, placementIds, reason: `${node} is being drained` });

export const stay =
  (node: string) =>
  (placementIds: readonly string[]): NodeReport => ({ kind: "stay", node, placementIds });
