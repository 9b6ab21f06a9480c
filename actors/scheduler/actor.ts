import type { ActorDefinition } from "../../runtime/actor.ts";
import type { Foresight, SchedulerCommand } from "./contract.ts";
import { decide } from "./decide.ts";
import { foresee } from "./foresee.ts";
import { volumeRows } from "./projection.ts";
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
    project: (before, after) => volumeRows(before.volumes, after.volumes),
    eventSchema: 1,
    upcast: (_type, _schema, data) => data as SchedulerEvent,
    stateSchema: 5,
  },
  edge: () => ({
    receive: (message, state) => {
      const asked = message as SchedulerCommand | Foresight;
      return asked.kind === "foresee" ? { kind: "answered", reply: foresee(state, asked.wishes) } : { kind: "command", command: asked };
    },
  }),
};
