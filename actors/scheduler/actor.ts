import type { ActorDefinition } from "../../runtime/actor.ts";
import type { SchedulerCommand } from "./contract.ts";
import { decide } from "./decide.ts";
import { evolve, noNodes, type SchedulerEvent, type SchedulerState } from "./state.ts";

/** `acme/scheduler`: the only writer of placements. */
export const schedulerActor: ActorDefinition<SchedulerState, SchedulerCommand, SchedulerEvent> = {
  decider: {
    kind: "scheduler",
    initial: () => noNodes,
    decide,
    evolve,
    wakeAtMs: () => undefined,
    wake: { kind: "wake" },
    project: () => [],
    eventSchema: 1,
    upcast: (_type, _schema, data) => data as SchedulerEvent,
    stateSchema: 1,
  },
  edge: () => ({ receive: (message) => ({ kind: "command", command: message as SchedulerCommand }) }),
};
