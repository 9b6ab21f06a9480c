import type { Failure } from "../node/observed-contract.ts";
import { isHealthy } from "./replica.ts";
import type { PlacementRecord } from "./state.ts";

/** A failure that belongs to the node has had its chances there after so many attempts. */
const ATTEMPTS_ON_A_NODE = 3;
const OF_THE_NODE: ReadonlySet<Failure["code"]> = new Set([
  "disk.full",
  "port.taken",
  "resources.rejected",
  "engine.error",
  "image.registry-unavailable",
]);

/** Whether a replica cannot work where it is, for reasons of the node: another node may do. */
export function failsBecauseOfNode(placement: PlacementRecord): boolean {
  const { status, stage } = placement;
  if (status?.failure === undefined || stage.stage !== "assigned" || isHealthy(placement)) return false;
  return OF_THE_NODE.has(status.failure.code) && status.restarts >= ATTEMPTS_ON_A_NODE;
}
