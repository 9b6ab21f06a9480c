import type { Constraint } from "../deployment/contract.ts";
import type { Demand, NodeAllowance } from "../node/allowance-contract.ts";

/** What a placement needs of a node. */
export interface Requirements {
  readonly cpuReservedMillis: number;
  readonly memoryReservedBytes: number;
  readonly hostPorts: readonly { readonly port: number; readonly protocol: "tcp" | "udp" }[];
  readonly constraints: readonly Constraint[];
  /** Platforms the image exists for; empty: not known, any will be tried. */
  readonly platforms: readonly { readonly os: string; readonly arch: string }[];
  /** What it wants of the node itself. Absent: nothing. */
  readonly demands?: readonly Demand[];
  /** Whose data it uses: it goes where they are. */
  readonly volumes?: readonly string[];
  /** All placements with the same word are on one node. */
  readonly together?: string;
  /** So many slots of the deployment may be on one node. Absent: any number. */
  readonly maxPerNode?: number;
}

export interface PlacementRequest {
  readonly placementId: string;
  readonly slot: number;
  readonly requirements: Requirements;
  /** Nodes on which attempts of this slot failed lately: other nodes are preferred. */
  readonly avoid: readonly string[];
  /** The only node it may go to, as one of a global deployment. Absent: any node will do. */
  readonly node?: string;
  /** So many others of its slot may be on its node: the predecessor it stands beside. With more, it waits until they have stopped. Absent: it need not wait. */
  readonly beside?: number;
}

/** Why no node could be taken, per filter, and what would make it fit. */
export interface Rejection {
  readonly filter:
    | "ready"
    | "resources"
    | "constraints"
    | "platform"
    | "host-ports"
    | "allowance"
    | "volumes"
    | "together"
    | "max-per-node"
    | "full"
    | "predecessor";
  readonly nodes: readonly string[];
  /** One sentence: `3 nodes lack memory: 512 MiB wanted, at most 100 MiB free (n2)`. */
  readonly reason: string;
  /** One sentence: `Free 412 MiB on n2, or lower the reservation to 100 MiB`. */
  readonly remedy: string;
}

/** To the scheduler. */
export type SchedulerCommand =
  | { readonly kind: "place"; readonly deployment: string; readonly requests: readonly PlacementRequest[] }
  /** Placements that ended, or are no longer wanted. Harmless when unknown. */
  | { readonly kind: "release"; readonly placementIds: readonly string[] }
  | { readonly kind: "node-changed"; readonly node: SchedulerNode }
  /** The volume is no more: its name may begin anew on any node. Refused while a placement uses it. */
  | { readonly kind: "forget-volume"; readonly name: string }
  | { readonly kind: "node-removed"; readonly name: string }
  /** The deployment is to have a replica on every node that fits, and is told which these are, now and whenever that changes. Takes the place of what it asked before. */
  | { readonly kind: "follow-nodes"; readonly deployment: string; readonly revision: number; readonly requirements: Requirements }
  /** It is told no more. Harmless when it was told nothing. */
  | { readonly kind: "unfollow-nodes"; readonly deployment: string }
  | { readonly kind: "wake" };

export interface SchedulerNode {
  readonly name: string;
  /** ready: takes new replicas. */
  readonly readiness: "ready" | "cordoned" | "draining" | "unreachable" | "refused";
  readonly reason: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly os: string;
  readonly arch: string;
  readonly hostname: string;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  /** Absent: nothing. */
  readonly allows?: NodeAllowance;
}

/** From the scheduler to a deployment. */
export type SchedulerAnswer =
  | { readonly kind: "placed"; readonly placements: readonly { readonly placementId: string; readonly node: string }[] }
  | {
      readonly kind: "pending";
      readonly placements: readonly { readonly placementId: string; readonly rejections: readonly Rejection[] }[];
    }
  /** They are not where the others of their group are. Said again whenever anything is decided, until they are gone. */
  | { readonly kind: "evacuate"; readonly placementIds: readonly string[]; readonly reason: string }
  | ({ readonly kind: "nodes-fit"; readonly revision: number; readonly number: number } & FittingNodes);

/** The nodes that are what a deployment wants of a node, whatever room there is on them. */
export interface FittingNodes {
  /** By name. */
  readonly nodes: readonly FittingNode[];
  /** Why the others do not fit. */
  readonly rejections: readonly Rejection[];
}

export type FittingNode = Pick<SchedulerNode, "name" | "readiness" | "reason">;

/** Replicas somebody thinks of asking for. */
export interface Wish {
  readonly deployment: string;
  readonly requirements: Requirements;
  /** How many, or one on every node that fits. */
  readonly replicas: number | "one-per-node";
  /** Whether they take the place of those the deployment has, and which of the two goes first. */
  readonly replaces: "nothing" | "new-first" | "old-first";
}

/** A question, answered from what is known now; nothing is booked and nothing is written. */
export interface Foresight {
  readonly kind: "foresee";
  readonly wishes: readonly Wish[];
}

export interface Foreseen {
  readonly deployment: string;
  /** By name, how many would go there. */
  readonly nodes: Readonly<Record<string, number>>;
  /** Those for which no node would be found, and why. */
  readonly pending: number;
  readonly rejections: readonly Rejection[];
  /** Why the other nodes get none, where every node that fits is to have one. */
  readonly leftOut: readonly Rejection[];
}
