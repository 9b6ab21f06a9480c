import type { ActorDefinition } from "../../runtime/actor.ts";
import { partsOf } from "../../runtime/address.ts";
import { SNAPSHOT_EVERY_EVENTS } from "../../runtime/commit-of.ts";
import { nextStepMs } from "./advance.ts";
import type { StackCommand } from "./commands.ts";
import { decide } from "./decide.ts";
import { project } from "./projection.ts";
import { evolve, initialState, type StackEvent, type StackState } from "./state.ts";

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
    // What is written beside the events of its members stays in proportion to them, also where there are thousands.
    snapshotEveryEvents: ({ members }) => Math.max(SNAPSHOT_EVERY_EVENTS, Math.ceil(members.length / 2)),
  },
  edge: () => ({ receive: (message) => ({ kind: "command", command: message as StackCommand }) }),
};
