import type { DeploymentEvent, DeploymentState, Membership } from "./state.ts";

/** How the membership in a stack changes: the part of `evolve` that is about it. Pure, as all of it. */

export function ordered(state: DeploymentState, event: Extract<DeploymentEvent, { type: "membership.ordered" }>): Membership {
  const { stack, order, wants } = event;
  const rollout = state.rollout?.outcome === "in-progress" ? state.rollout.id : undefined;
  const revision = state.revisions.find(({ number }) => number === state.revision);
  return {
    stack,
    order,
    wants:
      wants === "gone" ? { kind: "gone" } : { kind: "content", contentOf: revision?.contentOf ?? state.revision, replicas: state.replicas },
    rollout,
    outcome: rollout === undefined ? "succeeded" : "in-progress",
    reason: undefined,
  };
}

export function withMembership(state: DeploymentState, event: Extract<DeploymentEvent, { type: "rollout.ended" }>): DeploymentState {
  const { membership } = state;
  if (membership === undefined || membership.rollout !== event.id) return state;
  return { ...state, membership: { ...membership, outcome: event.outcome, reason: event.reason } };
}
