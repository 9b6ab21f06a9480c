import type { Wanted } from "../deployment/commands.ts";
import type { FieldChange } from "../deployment/contract.ts";
import type { MemberReport } from "../deployment/standing.ts";
import type { Dependency } from "./contract.ts";

/** A member of a revision: a service, the deployment it is, and what it is to run. */
export interface Member extends Wanted {
  readonly service: string;
  readonly deployment: string;
  readonly after: readonly Dependency[];
}

interface Guarded {
  /** Generation the person has seen; the change is refused when it is no longer that. */
  readonly ifGeneration?: number;
}

export type StackPersonCommand = Guarded &
  (
    | {
        readonly kind: "apply";
        readonly members: readonly Member[];
        readonly prune: boolean;
        readonly onFailure: "rollback" | "pause";
      }
    | { readonly kind: "rollback"; readonly to?: number }
    /** Services by name; none named: all whose replicas run on. */
    | { readonly kind: "restart"; readonly services: readonly string[] }
    | { readonly kind: "delete" }
  );

export type StackCommand =
  | StackPersonCommand
  | MemberReport
  /** A question: what its members would want of the ingress if this were decided now. Answered with wants; none where it would be refused. */
  | { readonly kind: "preview"; readonly command: StackPersonCommand }
  | { readonly kind: "wake" };

/** What a revision of the stack changes about one member. */
export interface MemberChange {
  readonly service: string;
  readonly deployment: string;
  /** restart: nothing of it differs, and it is made anew, as somebody asked or after one it depends on. */
  readonly change: "create" | "change" | "restart" | "remove";
  /** Of a change; a member that comes or goes is named whole. */
  readonly diff: readonly FieldChange[];
}

/** A member that a restart of the whole stack passes over. */
export interface LeftAlone {
  readonly service: string;
  /** `is a job`. */
  readonly reason: string;
}

/** Answer to every command of a person. */
export interface StackReply {
  readonly name: string;
  readonly generation: number;
  readonly revision: number;
  readonly change: "created" | "changed" | "unchanged" | "deleting";
  /** The rollout to wait for. Absent when there is nothing to wait for. */
  readonly rollout?: number;
  readonly members: readonly MemberChange[];
  /** Of a restart of the whole stack; absent where nobody was. */
  readonly leftAlone?: readonly LeftAlone[];
}
