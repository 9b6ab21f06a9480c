import type { PlacementStatus } from "../node/contract.ts";
import type { FittingNodes, Rejection } from "../scheduler/contract.ts";
import type { DeploymentEvent } from "./events.ts";
import { ordered } from "./membership.ts";
import type { ChangeKind, FieldChange, PinnedTemplate, RolloutOutcome } from "./contract.ts";
import { eachId, eachPlacement, observed, remaining, requested } from "./placements.ts";
import { endRollout, startRollout } from "./rollouts.ts";
import { newSlot, patched, relocated } from "./slots.ts";

export interface Platform {
  readonly os: string;
  readonly arch: string;
}

/** Content never changes. A rollback is a new revision that repeats the content of an older one. */
export interface Revision {
  readonly number: number;
  /** Number of the revision whose content this is; its own, except after a rollback. */
  readonly contentOf: number;
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
  /** Why it was begun, when nobody asked for it: the failure an automatic rollback answers. */
  readonly cause: string | undefined;
  /** Slots that had a healthy replica when it began: it has failed when one of them is left without. */
  readonly served: readonly number[];
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
  /** Revision number whose content it runs. */
  readonly contentOf: number;
  /** leaving: out of all pools first, while what it has begun may end; it still runs. */
  readonly desired: "running" | "leaving" | "stopped";
  readonly leavingSinceMs: number | undefined;
  readonly stage: PlacementStage;
  /** Its node is being drained, or it cannot work there: replaced as soon as the budget allows. */
  readonly evacuation: string | undefined;
  readonly status: PlacementStatus | undefined;
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

/** How many revisions can be rolled back to. Older ones are forgotten, but never the last that succeeded, nor one that is running. */
export const MAX_REVISIONS = 100;

export function evolve(state: DeploymentState, event: DeploymentEvent, atMs: number): DeploymentState {
  switch (event.type) {
    case "deployment.created":
      return { ...state, mode: "running", replicas: event.replicas, createdAtMs: atMs, succeeded: 0, membership: undefined };
    case "revision.created":
      return withRevision(state, {
        number: event.number,
        contentOf: event.contentOf,
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
    case "rollout.ended":
      return endRollout(state, event, atMs);
    case "slots.retargeted":
      return {
        ...state,
        slots: patched(state.slots, event.slots, (slot, number) => ({ ...(slot ?? newSlot(number)), revision: event.revision })),
      };
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
