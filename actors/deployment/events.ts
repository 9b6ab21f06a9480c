import type { Withdrawn } from "../ingress/commands.ts";
import type { PlacementStatus } from "../node/observed-contract.ts";
import type { Rejection } from "../scheduler/contract.ts";
import type { StackOrder } from "./commands.ts";
import type { ChangeKind, FieldChange, PinnedTemplate, RolloutOutcome } from "./contract.ts";
import type { Author, NodeList, Platform } from "./state.ts";

/** What happens to a deployment. Persisted: an event that was released never changes its meaning. */
export type DeploymentEvent =
  | { readonly type: "deployment.created"; readonly replicas: number }
  | {
      readonly type: "revision.created";
      readonly number: number;
      readonly contentOf: number;
      /** Absent: `contentOf`. */
      readonly replicasOf?: number;
      readonly template: PinnedTemplate;
      readonly platforms: readonly Platform[];
    }
  | { readonly type: "replicas.changed"; readonly replicas: number }
  | { readonly type: "mode.changed"; readonly mode: "running" | "stopped" | "deleting" }
  | ({
      readonly type: "rollout.started";
      readonly change: ChangeKind;
      readonly revision: number;
      readonly deadlineAtMs: number;
      readonly diff: readonly FieldChange[];
      readonly spares?: true;
      readonly cause?: string;
    } & Author)
  | {
      readonly type: "rollout.ended";
      readonly id: number;
      readonly outcome: Exclude<RolloutOutcome, "in-progress">;
      readonly reason: string | undefined;
    }
  /** The ingress serves what it changes; behind: without these nodes, which were waited for. */
  | { readonly type: "rollout.served"; readonly id: number; readonly behind: readonly string[] }
  | { readonly type: "slots.retargeted"; readonly slots: readonly number[]; readonly revision: number }
  /** What lives in them, or has ended there, is what the revision wants already: it becomes the revision's as it is. */
  | { readonly type: "slots.adopted"; readonly slots: readonly number[]; readonly revision: number }
  | { readonly type: "slots.removed"; readonly slots: readonly number[] }
  /** Of a global deployment: which node a slot lives on, for ever. */
  | { readonly type: "slots.pinned"; readonly slots: readonly { readonly slot: number; readonly node: string }[] }
  /** Not bound to a node any more. */
  | { readonly type: "slots.freed"; readonly slots: readonly number[] }
  /** The nodes that fit, as the scheduler tells a global deployment. */
  | ({ readonly type: "nodes.listed" } & NodeList)
  /** Its replica ended by itself, and its restart policy wants no other. */
  | {
      readonly type: "slot.ended";
      readonly slot: number;
      readonly placementId: string;
      readonly contentOf: number;
      readonly outcome: "succeeded" | "failed";
      readonly reason: string;
    }
  | { readonly type: "slot.relocated"; readonly slot: number; readonly node: string; readonly notBeforeMs: number }
  | {
      readonly type: "placements.requested";
      readonly placements: readonly { readonly placementId: string; readonly slot: number; readonly contentOf: number }[];
    }
  | {
      readonly type: "placements.pended";
      readonly placements: readonly { readonly placementId: string; readonly rejections: readonly Rejection[] }[];
    }
  | { readonly type: "placements.assigned"; readonly placements: readonly { readonly placementId: string; readonly node: string }[] }
  | { readonly type: "placements.observed"; readonly statuses: readonly PlacementStatus[] }
  | { readonly type: "placements.evacuated"; readonly placementIds: readonly string[]; readonly reason: string }
  /** Their node is lost: whether they still run is not known until they are observed again. */
  | { readonly type: "placements.disconnected"; readonly placementIds: readonly string[] }
  /** They need not leave their node after all. */
  | { readonly type: "placements.retained"; readonly placementIds: readonly string[] }
  /** Out of all pools, and to be stopped once nothing is under way in them. */
  | { readonly type: "placements.withdrawal-requested"; readonly placementIds: readonly string[] }
  /** Nothing leads to them any more, or their time to drain was over. */
  | { readonly type: "placements.withdrawn"; readonly withdrawals: readonly Withdrawn[] }
  | { readonly type: "placements.stop-requested"; readonly placementIds: readonly string[] }
  /**
   * Not reckoned with any more: stopped as asked; never placed; given up, as its node is lost, which stops it when it is back; or gone with its node, which is
   * removed or never had it.
   */
  | {
      readonly type: "placements.ended";
      readonly placementIds: readonly string[];
      readonly because: "stopped" | "never-placed" | "lost" | "gone";
    }
  /** An order of a stack was carried out, or its rollout began: what came before it in the same decision is its doing. */
  | { readonly type: "membership.ordered"; readonly stack: string; readonly order: number; readonly wants: StackOrder["want"]["kind"] }
  | { readonly type: "deployment.deleted" };
