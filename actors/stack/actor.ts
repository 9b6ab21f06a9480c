import type { ActorDefinition } from "../../runtime/actor.ts";
import { partsOf } from "../../runtime/address.ts";
import { SNAPSHOT_EVERY_EVENTS } from "../../runtime/commit-of.ts";
import { nextStepMs } from "./advance.ts";
import type { StackCommand } from "./commands.ts";
import { decide } from "./decide.ts";
import { project } from "./projection.ts";
import { evolve, initialState, type StackEvent, type StackState } from "./state.ts";

/** Of each member between two snapshots; a rollout has about six of each that it changes. */
const EVENTS_PER_MEMBER = 3;

/** `acme/stack/shop`: which deployments a group of them is, and the order in which they change. */
export const stackActor: ActorDefinition<StackState, StackCommand, StackEvent> = {
  decider: {
    kind: "stack",
    initial: (address) => initialState(partsOf(address).name),
    decide,
    evolve,
    wakeAtMs: nextStepMs,
    wake: { kind: "wake" },
    project,
    eventSchema: 1,
    upcast: (_type, _schema, data) => data as StackEvent,
    stateSchema: 2,
    // A state of thousands is as large as a few events of each member: written so seldom it costs no more than they do.
    snapshotEveryEvents: ({ members }) => Math.max(SNAPSHOT_EVERY_EVENTS, members.length * EVENTS_PER_MEMBER),
  },
  edge: () => ({ receive: (message) => ({ kind: "command", command: message as StackCommand }) }),
};
