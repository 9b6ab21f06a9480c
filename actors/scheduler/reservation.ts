import type { PlacementRequest } from "./contract.ts";
import type { Reservation } from "./state.ts";

/** What a placement takes of the node that was chosen for it. */
export function reservationOf(deployment: string, { placementId, requirements, pin }: PlacementRequest, node: string): Reservation {
  const { cpuReservedMillis, memoryReservedBytes, hostPorts, volumes, together } = requirements;
  return {
    placementId,
    deployment,
    node,
    cpuMillis: cpuReservedMillis,
    memoryBytes: memoryReservedBytes,
    hostPorts,
    ...(volumes !== undefined && volumes.length > 0 && { volumes }),
    ...(together !== undefined && { together }),
    ...(pin !== undefined && { isPinned: true as const }),
  };
}
