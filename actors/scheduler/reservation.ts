import type { PlacementRequest } from "./contract.ts";
import type { Reservation } from "./state.ts";

/** What a placement takes of the node that was chosen for it. */
export function reservationOf(
  deployment: string,
  { placementId, slot, requirements, node: own }: PlacementRequest,
  node: string,
): Reservation {
  const { cpuReservedMillis, memoryReservedBytes, hostPorts, volumes, together } = requirements;
  return {
    placementId,
    deployment,
    slot,
    node,
    cpuMillis: cpuReservedMillis,
    memoryBytes: memoryReservedBytes,
    hostPorts,
    ...(volumes !== undefined && volumes.length > 0 && { volumes }),
    ...(together !== undefined && { together }),
    ...(own !== undefined && { isPinned: true as const }),
  };
}
