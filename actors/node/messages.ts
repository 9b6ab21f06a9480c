import type { PinnedImage } from "../deployment/contract.ts";
import type { Placement } from "./assignment-contract.ts";
import type { NodeFacts, PlacementStatus } from "./observed-contract.ts";

/** Commands of the node actor. People cordon, drain and remove; deployments assign and stop; the node's edge reports what its agent did. */
export type NodeCommand =
  | { readonly kind: "assign"; readonly placements: readonly Placement[] }
  | { readonly kind: "stop"; readonly placementIds: readonly string[] }
  | { readonly kind: "prefetch"; readonly image: PinnedImage }
  | { readonly kind: "cordon" }
  | { readonly kind: "uncordon" }
  | { readonly kind: "drain" }
  | { readonly kind: "remove" }
  /** The agent said hello with facts that are new, or after having been lost. */
  | { readonly kind: "join"; readonly facts: NodeFacts; readonly engine: "reachable" | "unreachable" }
  | { readonly kind: "report-engine"; readonly engine: "reachable" | "unreachable" }
  /** Silent for too long. */
  | { readonly kind: "declare-lost"; readonly reason: string }
  /** Final statuses of placements that were asked to stop. */
  | { readonly kind: "report-stopped"; readonly statuses: readonly PlacementStatus[] }
  | { readonly kind: "wake" };

/** From a node to a deployment that has replicas there. */
export type NodeReport =
  /** Soft: sent again until the deployment has seen it. */
  | { readonly kind: "observed"; readonly node: string; readonly statuses: readonly PlacementStatus[] }
  /** These are gone from the node, with their last status where it is known. */
  | {
      readonly kind: "ended";
      readonly node: string;
      readonly placementIds: readonly string[];
      readonly statuses: readonly PlacementStatus[];
    }
  /** The node is lost: nobody knows whether these still run there. Each goes on if the node comes back, unless it was asked to stop. */
  | { readonly kind: "lost"; readonly node: string; readonly placementIds: readonly string[] }
  /** The node will not run these: it is removed, or was lost before it was given them. */
  | { readonly kind: "gone"; readonly node: string; readonly placementIds: readonly string[] }
  | { readonly kind: "evacuate"; readonly node: string; readonly placementIds: readonly string[]; readonly reason: string }
  /** An evacuation is called off: what has not left by then stays. */
  | { readonly kind: "stay"; readonly node: string; readonly placementIds: readonly string[] };
