import type { StackOrder } from "./commands.ts";
import type { DeploymentEvent } from "./events.ts";
import type { DeploymentState, Membership } from "./state.ts";

/** How the membership in a stack changes: the part of `evolve` that is about it. Pure, as all of it. */

export function ordered(state: DeploymentState, event: Extract<DeploymentEvent, { type: "membership.ordered" }>): Membership {
  const { stack, order, wants } = event;
  const rollout = state.rollout?.outcome === "in-progress" ? state.rollout.id : undefined;
  const before = state.membership?.stack === stack ? state.membership : undefined;
  const isReplaced = replacingRollout(state) !== undefined && rollout !== before?.rollout;
  return {
    stack,
    order,
    // What is restarted differs from what it is to be as much as before.
    wants: wants === "restart" && before !== undefined ? before.wants : wantsOf(state, wants),
    rollout,
    replaced: isReplaced ? order : (before?.replaced ?? 0),
    outcome: rollout === undefined ? "succeeded" : "in-progress",
    reason: undefined,
  };
}

function wantsOf(state: DeploymentState, wants: StackOrder["want"]["kind"]): Membership["wants"] {
  if (wants === "gone") return { kind: "gone" };
  const revision = state.revisions.find(({ number }) => number === state.revision);
  return { kind: "content", contentOf: revision?.contentOf ?? state.revision, replicas: state.replicas };
}

/** The rollout under way, where it makes all containers anew: not only more of them, or fewer. */
export function replacingRollout({ rollout }: DeploymentState): number | undefined {
  return rollout?.outcome === "in-progress" && rollout.change !== "scale" && rollout.spares !== true ? rollout.id : undefined;
}

export function withMembership(state: DeploymentState, event: Extract<DeploymentEvent, { type: "rollout.ended" }>): DeploymentState {
  const { membership } = state;
  if (membership === undefined || membership.rollout !== event.id) return state;
  return { ...state, membership: { ...membership, outcome: event.outcome, reason: event.reason } };
}
