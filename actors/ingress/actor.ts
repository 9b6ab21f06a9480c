import type { ActorDefinition } from "../../runtime/actor.ts";
import type { IngressCommand } from "./commands.ts";
import { decide, nextExpiryMs } from "./decide.ts";
import { IngressEdge, type IngressPorts } from "./edge.ts";
import { project } from "./projection.ts";
import { evolve, noIngress, type IngressEvent, type IngressState } from "./state.ts";
import { tellingWants } from "./wanted-certificates.ts";
import { tellingHosts } from "./wanted-hosts.ts";

/** `acme/ingress`: who publishes what, which replicas take its traffic, and when one that is to stop is out of everybody's reach. */
export function ingressActor(ports: IngressPorts): ActorDefinition<IngressState, IngressCommand, IngressEvent> {
  return {
    decider: {
      kind: "ingress",
      initial: () => noIngress,
      decide: (state, command, context) => tellingWants(tellingHosts(decide(state, command, context), state, context), state, context),
      evolve,
      wakeAtMs: nextExpiryMs,
      wake: { kind: "wake" },
      project,
      eventSchema: 1,
      upcast: (_type, _schema, data) => data as IngressEvent,
      stateSchema: 2,
    },
    edge: (context) => new IngressEdge(context, ports),
  };
}
