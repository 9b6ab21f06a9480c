import type { Address } from "./address.ts";

/** Decides when a cell takes its turns. Production spawns a nact actor per cell; simulation has a queue of its own. */
export interface TurnScheduler {
  /** `drain` never throws, and is never called from within `wake`. */
  open(address: Address, drain: () => void): TurnLane;
  close(): void;
}

export interface TurnLane {
  /** Asks for one call of `drain`, soon. */
  wake(): void;
  close(): void;
}
