import type { ActorDefinition } from "../../runtime/actor.ts";
import { partsOf } from "../../runtime/address.ts";
import { decide } from "./decide.ts";
import { NodeEdge } from "./edge.ts";
import type { NodePorts } from "./ports.ts";
import type { NodeCommand } from "./messages.ts";
import { project } from "./projection.ts";
import { evolve, initialState, type NodeEvent, type NodeState } from "./state.ts";

/** `acme/node/n1`: membership, health, cordon and drain, and the number of its assignment. */
export function nodeActor(ports: NodePorts): ActorDefinition<NodeState, NodeCommand, NodeEvent> {
  return {
    decider: {
      kind: "node",
      initial: (address) => initialState(partsOf(address).name),
      decide,
      evolve,
      wakeAtMs: () => undefined,
      wake: { kind: "wake" },
      project,
      eventSchema: 1,
      upcast: (_type, _schema, data) => data as NodeEvent,
      stateSchema: 1,
    },
    edge: (context) => new NodeEdge(context, ports),
  };
}
