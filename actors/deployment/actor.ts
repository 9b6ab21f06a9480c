import type { ActorDefinition } from "../../runtime/actor.ts";
import { partsOf } from "../../runtime/address.ts";
import type { DeploymentCommand } from "./commands.ts";
import { decide } from "./decide.ts";
import type { DeploymentEvent } from "./events.ts";
import { nextStepMs } from "./next-step.ts";
import { project } from "./projection.ts";
import { evolve } from "./evolve.ts";
import { initialState, type DeploymentState } from "./state.ts";

/** `acme/deployment/web`. */
export const deploymentActor: ActorDefinition<DeploymentState, DeploymentCommand, DeploymentEvent> = {
  decider: {
    kind: "deployment",
    initial: (address) => initialState(partsOf(address).name),
    decide,
    evolve,
    wakeAtMs: nextStepMs,
    wake: { kind: "wake" },
    project,
    eventSchema: 1,
    upcast: (_type, _schema, data) => data as DeploymentEvent,
    stateSchema: 1,
  },
  edge: () => ({ receive: (message) => ({ kind: "command", command: message as DeploymentCommand }) }),
};
