import type { ActorDefinition } from "../../runtime/actor.ts";
import { nextStepMs } from "./advance.ts";
import type { CertificatesCommand } from "./commands.ts";
import { decide } from "./decide.ts";
import { CertificatesEdge } from "./edge.ts";
import { evolve } from "./evolve.ts";
import type { CertificatePorts } from "./ports.ts";
import { project } from "./projection.ts";
import { initialState, type CertificatesEvent, type CertificatesState } from "./state.ts";

/** `acme/certificates`: which certificate serves each host of a route, and how the next one is had. */
export function certificatesActor(ports: CertificatePorts): ActorDefinition<CertificatesState, CertificatesCommand, CertificatesEvent> {
  return {
    decider: {
      kind: "certificates",
      initial: initialState,
      decide,
      evolve,
      wakeAtMs: nextStepMs,
      wake: { kind: "wake" },
      project,
      eventSchema: 1,
      upcast: (_type, _schema, data) => data as CertificatesEvent,
      stateSchema: 1,
    },
    edge: (context) => new CertificatesEdge(context, ports),
  };
}
