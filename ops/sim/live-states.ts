import type { AnyActorDefinition } from "../../runtime/actor.ts";
import type { Address } from "../../runtime/address.ts";

/** Listens in on what every actor believes itself to be after each of its commits. */
export class LiveStates {
  readonly states = new Map<Address, unknown>();
  /** The real definitions, by kind. */
  readonly definitions = new Map<string, AnyActorDefinition>();

  #newestLife = 0;

  /** Of several processes at once the newest counts: the others are overtaken. */
  observed(definition: AnyActorDefinition, life: number): AnyActorDefinition {
    if (life > this.#newestLife) this.states.clear();
    this.#newestLife = Math.max(this.#newestLife, life);
    this.definitions.set(definition.decider.kind, definition);
    return {
      decider: definition.decider,
      edge: (context) => {
        const edge = definition.edge(context);
        return {
          receive: (message, state, meta) => edge.receive(message, state, meta),
          committed: (state, events) => {
            if (life === this.#newestLife) this.states.set(context.address, state);
            edge.committed?.(state, events);
          },
          soft: () => edge.soft?.(),
          stopped: () => edge.stopped?.(),
        };
      },
    };
  }
}
