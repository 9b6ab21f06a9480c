import type { DeploymentEvent } from "./events.ts";
import { ordered } from "./membership.ts";
import { adopted } from "./adoption.ts";
import { eachId, eachPlacement, observed, remaining, requested } from "./placements.ts";
import { endRollout, startRollout } from "./rollouts.ts";
import { newSlot, patched, relocated } from "./slots.ts";
import { type DeploymentState, initialState, type Revision } from "./state.ts";

/** How many revisions can be rolled back to. Older ones are forgotten, but never the last that succeeded, nor one that is running, nor what its stack wants. */
const MAX_REVISIONS = 100;

export function evolve(state: DeploymentState, event: DeploymentEvent, atMs: number): DeploymentState {
  switch (event.type) {
    case "deployment.created":
      return { ...state, mode: "running", replicas: event.replicas, createdAtMs: atMs, succeeded: 0, membership: undefined };
    case "revision.created":
      return withRevision(state, {
        number: event.number,
        contentOf: event.contentOf,
        replicasOf: event.replicasOf,
        template: event.template,
        platforms: event.platforms,
        atMs,
        provenAtMs: undefined,
      });
    case "replicas.changed":
      return { ...state, replicas: event.replicas, changedAtMs: atMs };
    case "mode.changed":
      return { ...state, mode: event.mode };
    case "rollout.started":
      return startRollout(state, event, atMs);
    case "rollout.served":
      return state.rollout?.id === event.id ? { ...state, rollout: { ...state.rollout, behind: event.behind } } : state;
    case "rollout.ended":
      return endRollout(state, event, atMs);
    case "slots.retargeted":
      return {
        ...state,
        slots: patched(state.slots, event.slots, (slot, number) => ({ ...(slot ?? newSlot(number)), revision: event.revision })),
      };
    case "slots.adopted":
      return adopted(state, event);
    case "slots.removed":
      return { ...state, slots: without(state.slots, event.slots) };
    case "slots.pinned": {
      const nodes = new Map(event.slots.map(({ slot, node }) => [slot, node]));
      return {
        ...state,
        slots: patched(state.slots, [...nodes.keys()], (slot, number) => ({ ...(slot ?? newSlot(number)), node: nodes.get(number) })),
      };
    }
    case "slots.freed":
      return { ...state, slots: patched(state.slots, event.slots, (slot, number) => ({ ...(slot ?? newSlot(number)), node: undefined })) };
    case "nodes.listed": {
      const { type: _type, ...nodes } = event;
      return { ...state, nodes };
    }
    case "slot.ended": {
      const { slot, placementId, contentOf, outcome, reason } = event;
      const slots = patched(state.slots, [slot], (before, number) => ({
        ...(before ?? newSlot(number)),
        ended: { contentOf, outcome, reason },
      }));
      return { ...eachId(state, [placementId], (record) => ({ ...record, ended: outcome })), slots };
    }
    case "slot.relocated":
      return {
        ...state,
        slots: patched(state.slots, [event.slot], (slot, number) => relocated(slot ?? newSlot(number), event.node, event.notBeforeMs)),
      };
    case "placements.requested":
      return requested(state, event.placements, atMs);
    case "placements.pended":
      return eachPlacement(state, event.placements, (record, { rejections }) => ({
        ...record,
        stage: { stage: "pending", sinceMs: record.stage.stage === "pending" ? record.stage.sinceMs : atMs, rejections },
      }));
    case "placements.assigned":
      return eachPlacement(state, event.placements, (record, { node }) => ({
        ...record,
        stage: { stage: "assigned", sinceMs: atMs, node },
        phaseSinceMs: atMs,
      }));
    case "placements.observed":
      return eachPlacement(state, event.statuses, (record, status) => observed(record, status, atMs));
    case "placements.evacuated":
      return eachId(state, event.placementIds, (record) => ({ ...record, evacuation: event.reason }));
    case "placements.disconnected":
      return eachId(state, event.placementIds, (record) => ({ ...record, disconnectedSinceMs: atMs }));
    case "placements.retained":
      return eachId(state, event.placementIds, (record) => ({ ...record, evacuation: undefined }));
    case "placements.withdrawal-requested":
      return eachId(state, event.placementIds, (record) => ({ ...record, desired: "leaving", leavingSinceMs: atMs }));
    case "placements.withdrawn":
      return state;
    case "placements.stop-requested":
      return eachId(state, event.placementIds, (record) => ({ ...record, desired: "stopped" }));
    case "placements.ended":
      return { ...state, placements: without(state.placements, event.placementIds), remains: remaining(state, event.placementIds) };
    case "membership.ordered":
      return { ...state, membership: ordered(state, event) };
    case "deployment.deleted":
      return {
        ...initialState(state.name),
        generation: state.generation,
        // The last one for its number alone: a namesake goes on counting from it, and never rolls back to what was deleted.
        revisions: state.revisions.slice(-1).map((revision) => ({ ...revision, provenAtMs: undefined })),
        revision: state.revision,
        nextSequence: state.nextSequence,
        rollout: state.rollout,
        membership: state.membership,
      };
  }
}

function withRevision(state: DeploymentState, revision: Revision): DeploymentState {
  const needed = new Set([state.succeeded, state.revision, revision.contentOf]);
  // Drift is what differs from it, however often the deployment has been restarted since.
  if (state.membership?.wants.kind === "content") needed.add(state.membership.wants.contentOf);
  for (const slot of Object.values(state.slots)) needed.add(slot.revision);
  for (const placement of Object.values(state.placements)) needed.add(placement.contentOf);
  for (const kept of state.revisions) if (needed.has(kept.number)) needed.add(kept.contentOf);
  const surplus = state.revisions.length + 1 - MAX_REVISIONS;
  const kept = surplus <= 0 ? state.revisions : state.revisions.filter((old, index) => index >= surplus || needed.has(old.number));
  return { ...state, revisions: [...kept, revision], revision: revision.number };
}

function without<Value>(record: Readonly<Record<string, Value>>, keys: readonly (string | number)[]): Record<string, Value> {
  const result = { ...record };
  for (const key of keys) delete result[key];
  return result;
}
