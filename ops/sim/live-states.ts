import type { AnyActorDefinition } from "../../runtime/actor.ts";
import type { Address } from "../../runtime/address.ts";

/** Listens in on what every actor believes itself to be after each of its commits. */
export class LiveStates {
  readonly states = new Map<Address, unknown>();
  /** The real definitions, by kind. */
  readonly definitions = new Map<string, AnyActorDefinition>();

  observed(definition: AnyActorDefinition): AnyActorDefinition {
    this.definitions.set(definition.decider.kind, definition);
    return {
      decider: definition.decider,
      edge: (context) => {
        const edge = definition.edge(context);
        return {
          receive: (message, state, meta) => edge.receive(message, state, meta),
          committed: (state, events) => {
            this.states.set(context.address, state);
            edge.committed?.(state, events);
          },
          soft: () => edge.soft?.(),
          stopped: () => edge.stopped?.(),
        };
      },
    };
  }

  /** The process that held them is gone. */
  forget(): void {
    this.states.clear();
  }
}
