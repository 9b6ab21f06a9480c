import type { Outgoing } from "../../runtime/actor.ts";
import { addressOf, partsOf, type Address } from "../../runtime/address.ts";
import type { Refusal } from "../../runtime/refusal.ts";
import type { StackOrder } from "./commands.ts";
import { closedBecause, isGlobal, presentNodes } from "./global.ts";
import { contentOf, hasEnded, isHealthy, revisionOf } from "./replica.ts";
import { slotViews, type SlotView } from "./slot-views.ts";
import type { DeploymentState, Membership, PlacementRecord } from "./state.ts";

/** How far all replicas of a member have come, at its present revision. failed: one has ended and is not tried again. */
export type Reached = "nothing" | "started" | "healthy" | "completed" | "failed";

/** What a stack has to know of a member. */
export interface Standing {
  /** The stack's order that was carried out last. */
  readonly order: number;
  readonly mode: DeploymentState["mode"];
  readonly revision: number;
  /** The rollout that carries it out. Absent: nothing had to change. */
  readonly rollout?: number;
  readonly outcome: "in-progress" | "succeeded" | "failed" | "rolled-back";
  /** Why it is no success, in a sentence. */
  readonly reason?: string;
  readonly reached: Reached;
  /** The last order of the stack for which all its containers were made anew; 0: none was. */
  readonly replaced: number;
  /** False: it was changed since, by a person or by its own rollback. */
  readonly asOrdered: boolean;
}

/** From a deployment to its stack, whenever its standing changes. */
export type MemberReport =
  | { readonly kind: "member-stands"; readonly deployment: string; readonly standing: Standing }
  /** The order was not carried out, and will not be. */
  | { readonly kind: "member-refused"; readonly deployment: string; readonly order: number; readonly reason: string };

/** Says to the stack how its member stands, when that has changed. */
export function standingMessages(tenant: string, before: DeploymentState, after: DeploymentState): readonly Outgoing[] {
  const { membership } = after;
  if (membership === undefined || before === after) return [];
  const standing = standingOf(after, membership);
  const was = before.membership === undefined ? undefined : standingOf(before, before.membership);
  if (JSON.stringify(was) === JSON.stringify(standing)) return [];
  const message: MemberReport = { kind: "member-stands", deployment: after.name, standing };
  return [{ to: addressOf(tenant, "stack", membership.stack), message }];
}

export function refusalOf(from: Address, order: StackOrder, refusal: Refusal): Outgoing {
  const { tenant, name } = partsOf(from);
  const message: MemberReport = { kind: "member-refused", deployment: name, order: order.order, reason: refusal.message };
  return { to: addressOf(tenant, "stack", order.stack), message };
}

function standingOf(state: DeploymentState, membership: Membership): Standing {
  const { outcome, reason } = outcomeOf(state, membership);
  return {
    order: membership.order,
    mode: state.mode,
    revision: state.revision,
    ...(membership.rollout === undefined ? {} : { rollout: membership.rollout }),
    outcome,
    ...(reason === undefined ? {} : { reason }),
    reached: reachedBy(state),
    replaced: membership.replaced,
    asOrdered: isAsOrdered(state, membership),
  };
}

/** A person's change that took the place of the order's rollout is followed instead: it decides what the member is now. */
function outcomeOf(
  state: DeploymentState,
  { outcome, reason, rollout }: Membership,
): Pick<Standing, "outcome"> & { readonly reason: string | undefined } {
  if (outcome !== "superseded") return { outcome, reason };
  const newest = state.rollout;
  return newest === undefined || newest.id === rollout || newest.outcome === "superseded"
    ? { outcome: "in-progress", reason: undefined }
    : { outcome: newest.outcome, reason: newest.reason };
}

/** Whether it is what its stack asked for. One that stands alone is nobody's to differ from. */
export function isAsOrdered(state: DeploymentState, { wants }: Membership): boolean {
  if (wants.kind === "gone") return state.mode === "deleting" || state.mode === "absent";
  if (state.mode !== "running" || state.replicas !== wants.replicas) return false;
  const present = contentOf(state, state.revision);
  return (
    present === wants.contentOf ||
    JSON.stringify(revisionOf(state, present)?.template) === JSON.stringify(revisionOf(state, wants.contentOf)?.template)
  );
}

function reachedBy(state: DeploymentState): Reached {
  if (state.mode !== "running") return "nothing";
  const content = contentOf(state, state.revision);
  if (isGlobal(state) && presentNodes(state) === undefined) return "nothing";
  const views = slotViews(state).filter((view) => !isLeftOut(state, view));
  const isDone = ({ slot }: SlotView): boolean => hasEnded(slot, content) && slot.ended?.outcome === "succeeded";
  if (views.some(({ slot }) => hasEnded(slot, content) && slot.ended?.outcome === "failed")) return "failed";
  if (views.length > 0 && views.every(isDone)) return "completed";
  const all = (holds: (placement: PlacementRecord) => boolean): boolean =>
    views.every(
      (view) => isDone(view) || [...view.good, ...view.old].some((placement) => placement.contentOf === content && holds(placement)),
    );
  if (all(isHealthy)) return "healthy";
  return all(hasStarted) ? "started" : "nothing";
}

/** Where a node does without its replica and the rollout has ended, or does not wait for it, nobody else waits for it either. */
function isLeftOut(state: DeploymentState, { slot, good }: SlotView): boolean {
  if (slot.node === undefined) return false;
  const isPending = good.every(({ stage }) => stage.stage !== "assigned") && state.rollout?.outcome !== "in-progress";
  return closedBecause(state, slot) !== undefined || (isPending && !hasEnded(slot, contentOf(state, state.revision)));
}

function hasStarted({ status }: PlacementRecord): boolean {
  const phase = status?.current.phase;
  return phase === "running" || phase === "backing-off" || phase === "ended" || phase === "stopped";
}
