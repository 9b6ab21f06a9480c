import type { PlacementStatus } from "../node/observed-contract.ts";
import type { FittingNodes, Rejection } from "../scheduler/contract.ts";
import type { ChangeKind, FieldChange, PinnedTemplate, RolloutOutcome } from "./contract.ts";

export interface Platform {
  readonly os: string;
  readonly arch: string;
}

/** Content never changes. A rollback is a new revision that repeats the content of an older one. */
export interface Revision {
  readonly number: number;
  /** Number of the revision whose content this is; its own, except after a rollback. */
  readonly contentOf: number;
  /** Number of the oldest revision since which nothing changed that replicas carry: they serve both. Absent: `contentOf`. */
  readonly replicasOf?: number | undefined;
  readonly template: PinnedTemplate;
  /** Platforms the image exists for; empty: unknown. */
  readonly platforms: readonly Platform[];
  readonly atMs: number;
  /** When a rollout of it succeeded for the first time. */
  readonly provenAtMs: number | undefined;
}

export interface Author {
  readonly by: string;
  readonly via: string;
}

/** One change on its way, or how it ended. */
export interface Rollout extends Author {
  /** Equal to the generation that began it. */
  readonly id: number;
  readonly change: ChangeKind;
  readonly revision: number;
  readonly outcome: RolloutOutcome;
  readonly reason: string | undefined;
  readonly startedAtMs: number;
  readonly deadlineAtMs: number;
  readonly endedAtMs: number | undefined;
  readonly diff: readonly FieldChange[];
  /** The replicas stay as they are: nothing that they carry changes, and they were what was wanted when it began. */
  readonly spares?: true | undefined;
  /** What the ingress has said of it: nodes that do not serve it yet. Absent: nothing. */
  readonly behind?: readonly string[] | undefined;
  /** Why it was begun, when nobody asked for it: the failure an automatic rollback answers. */
  readonly cause: string | undefined;
  /** Slots that had a healthy replica when it began: it has failed when one of them is left without. */
  readonly served: readonly number[];
  /** By placement, what replicas had failed at when it began: that is not its doing. Absent: nothing. */
  readonly failedBefore?: Readonly<Record<string, PastFailures>> | undefined;
}

export interface PastFailures {
  readonly restarts: number;
  /** Of the last failure; tells it from the next, on the clock of whichever agent. */
  readonly atMs: number;
}

/** The lasting identity of a replica. Rolling out is moving slots from one revision to the next. */
export interface Slot {
  readonly number: number;
  readonly revision: number;
  /** Nodes on which it failed for reasons of the node. */
  readonly avoid: readonly string[];
  /** Not asked for again before this time. */
  readonly notBeforeMs: number;
  readonly relocations: number;
  /** The only node it lives on. Absent: it has none of its own, as all slots of a replicated deployment. */
  readonly node?: string | undefined;
  /** Its replica ended, and is not to run again at that content. */
  readonly ended?: { readonly contentOf: number; readonly outcome: "succeeded" | "failed"; readonly reason: string } | undefined;
}

export type PlacementStage =
  | { readonly stage: "requested"; readonly sinceMs: number }
  | { readonly stage: "pending"; readonly sinceMs: number; readonly rejections: readonly Rejection[] }
  | { readonly stage: "assigned"; readonly sinceMs: number; readonly node: string };

/** A slot on a node, or on its way to one. */
export interface PlacementRecord {
  readonly placementId: string;
  readonly slot: number;
  /** Revision number whose content it runs: that it was made for, or one of the same replicas that adopted it. */
  readonly contentOf: number;
  /** leaving: out of all pools first, while what it has begun may end; it still runs. */
  readonly desired: "running" | "leaving" | "stopped";
  readonly leavingSinceMs: number | undefined;
  readonly stage: PlacementStage;
  /** Its node is being drained, or it cannot work there: replaced as soon as the budget allows. */
  readonly evacuation: string | undefined;
  readonly status: PlacementStatus | undefined;
  /** Since when its node is lost, so that whether it still runs is not known. Absent: it is not, or it has been observed since. */
  readonly disconnectedSinceMs?: number | undefined;
  /** Its process ended by itself, and is not to run again. */
  readonly ended?: "succeeded" | "failed" | undefined;
  /** Control plane's clock, so that a node's wrong clock cannot shorten a proof of health. */
  readonly phaseSinceMs: number;
  readonly healthySinceMs: number | undefined;
  /** When the ingress could first lead traffic to it; undefined: never, so nothing can be under way in it. */
  readonly enteredAtMs: number | undefined;
  readonly requestedAtMs: number;
}

/** The nodes that fit a global deployment, as the scheduler has told it last. */
export interface NodeList extends FittingNodes {
  /** The deployment's revision they fit. */
  readonly revision: number;
  /** Of two lists, that with the greater number is newer. */
  readonly number: number;
}

/** The stack a deployment is a member of, and how the stack's last order to it went. */
export interface Membership {
  readonly stack: string;
  readonly order: number;
  /** What the order asked for; drift is what the deployment differs from it. */
  readonly wants: { readonly kind: "content"; readonly contentOf: number; readonly replicas: number } | { readonly kind: "gone" };
  /** The rollout that carries it out; undefined: nothing had to change. */
  readonly rollout: number | undefined;
  /** The last order for which all its containers were made anew; 0: none was. */
  readonly replaced: number;
  readonly outcome: RolloutOutcome;
  readonly reason: string | undefined;
}

export interface DeploymentState {
  /** absent: never created, or deleted. */
  readonly mode: "absent" | "running" | "stopped" | "deleting";
  readonly name: string;
  readonly generation: number;
  /** How many are wanted; while it is global, how many were wanted last. */
  readonly replicas: number;
  /** Ascending. */
  readonly revisions: readonly Revision[];
  /** Number of the revision the deployment is at, or on its way to. */
  readonly revision: number;
  /** Revision of the last rollout that succeeded; 0 before the first. */
  readonly succeeded: number;
  readonly rollout: Rollout | undefined;
  readonly slots: Readonly<Record<number, Slot>>;
  readonly placements: Readonly<Record<string, PlacementRecord>>;
  /** Ended placements that did not end as asked, newest last: their evidence outlives them. */
  readonly remains: readonly PlacementRecord[];
  readonly nextSequence: number;
  /** Absent: it is not global, or has not been told yet. */
  readonly nodes?: NodeList | undefined;
  /** Absent: it stands alone. */
  readonly membership?: Membership | undefined;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
}

export function initialState(name: string): DeploymentState {
  return {
    mode: "absent",
    name,
    generation: 0,
    replicas: 0,
    revisions: [],
    revision: 0,
    succeeded: 0,
    rollout: undefined,
    slots: {},
    placements: {},
    remains: [],
    nextSequence: 1,
    createdAtMs: 0,
    changedAtMs: 0,
  };
}
