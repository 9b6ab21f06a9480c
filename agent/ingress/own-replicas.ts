import type { IngressTable } from "../../actors/ingress/contract.ts";
import type { PlacementRecord } from "../agent-state.ts";

/**
 * Replicas of this node that take no traffic through its proxy, because the agent itself saw them die, turn unhealthy or be stopped. It can only take away
 * from a table: whom a table does not name gets no request. Of placements the agent knows nothing of, the table's word counts.
 */
export function withheldReplicas(
  { pools }: IngressTable,
  record: (placementId: string) => PlacementRecord | undefined,
): ReadonlySet<string> {
  const members = pools.flatMap((pool) => pool.members);
  return new Set(
    members.flatMap(({ placementId, port }) => {
      const known = record(placementId);
      return known === undefined || takesTraffic(known, port) ? [] : [placementId];
    }),
  );
}

/** A port that was its own may be another's by now. */
function takesTraffic({ current, endpoints }: PlacementRecord, port: number): boolean {
  return current.phase === "running" && current.health === "healthy" && (endpoints ?? []).some((endpoint) => endpoint.port === port);
}
