import type { Principal, Via } from "../../runtime/journal.ts";
import type { IngressAnswer } from "../ingress/commands.ts";
import type { NodeReport } from "../node/messages.ts";
import type { SchedulerAnswer } from "../scheduler/contract.ts";
import type { SealedPatch } from "./change.ts";
import type { FieldChange, PinnedImage, PinnedTemplate } from "./contract.ts";
import type { Platform } from "./state.ts";

/** What a person wants whole: a template with its image pinned, and how many. */
export interface Wanted {
  readonly template: PinnedTemplate;
  readonly platforms: readonly Platform[];
  readonly replicas: number;
}

interface Guarded {
  /** Generation the person has seen; the change is refused when it is no longer that. */
  readonly ifGeneration?: number;
}

export type PersonCommand = Guarded &
  (
    | ({ readonly kind: "create" } & Wanted)
    | ({ readonly kind: "apply" } & Wanted)
    | {
        readonly kind: "update";
        readonly patch: SealedPatch;
        readonly image?: PinnedImage;
        readonly platforms?: readonly Platform[];
        readonly replicas?: number;
      }
    | { readonly kind: "scale"; readonly replicas: number }
    | { readonly kind: "restart" }
    | { readonly kind: "stop" }
    | { readonly kind: "start" }
    | { readonly kind: "delete" }
    | { readonly kind: "rollback"; readonly to?: number }
  );

/** Who asked the stack for what it now asks of its members: their histories name that person. */
export interface OrderAuthor {
  readonly principal: Principal;
  readonly via: Via;
}

/** From a stack to a deployment that is, or becomes, a member of it. Answered by a message of `standing.ts`. */
export interface StackOrder {
  readonly kind: "member";
  readonly stack: string;
  /** Grows with every order of the stack, so that an older one that comes late is known as such. */
  readonly order: number;
  readonly author: OrderAuthor;
  readonly want:
    | {
        readonly kind: "content";
        readonly wanted: Wanted;
        /** The member's own revision that once was this content, when the stack is rolled back. */
        readonly revision?: number;
        /** Its containers are made anew also where nothing differs. */
        readonly restart?: true;
      }
    /** Its containers are made anew as they are, also where it was changed by hand. */
    | { readonly kind: "restart" }
    | { readonly kind: "gone" };
}

export type DeploymentCommand =
  | PersonCommand
  /** Under what it would be to be reached after the command; answered with `Frontends`, or null where the command would be refused. Changes nothing. */
  | { readonly kind: "preview"; readonly command: PersonCommand }
  | StackOrder
  | NodeReport
  | SchedulerAnswer
  | IngressAnswer
  | { readonly kind: "wake" };

/** Answer to every command of a person. */
export interface ChangeReply {
  readonly name: string;
  readonly generation: number;
  readonly revision: number;
  readonly change: "created" | "changed" | "unchanged" | "deleting";
  /** The rollout to wait for. Absent when there is nothing to wait for. */
  readonly rollout?: number;
  readonly diff: readonly FieldChange[];
}
