import type { ActorDefinition } from "../../runtime/actor.ts";
import type { HostNamesCommand } from "./commands.ts";
import { decide, nextSettlingMs } from "./decide.ts";
import { evolve, noHostNames, type HostNamesEvent, type HostNamesState } from "./state.ts";

/** `installation/host-names`: which tenant has a host name. A tenant's routes answer under a name once it is the tenant's. */
export const hostNamesActor: ActorDefinition<HostNamesState, HostNamesCommand, HostNamesEvent> = {
  decider: {
    kind: "host-names",
    initial: () => noHostNames,
    decide,
    evolve,
    wakeAtMs: nextSettlingMs,
    wake: { kind: "wake" },
    // Nobody reads it: the names of one tenant are no other's to see.
    project: () => [],
    eventSchema: 1,
    upcast: (_type, _schema, data) => data as HostNamesEvent,
    stateSchema: 1,
  },
  edge: () => ({ receive: (message) => ({ kind: "command", command: message as HostNamesCommand }) }),
};
