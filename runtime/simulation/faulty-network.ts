import type { Carrier } from "../memory-bus.ts";
import type { SimLoop } from "./sim-loop.ts";

/** Shares are probabilities from 0 to 1. Messages overtake each other whenever the delays allow it. */
export interface NetworkFaults {
  readonly dropShare: number;
  readonly duplicateShare: number;
  readonly shortestDelayMs: number;
  readonly longestDelayMs: number;
}

export const FLAWLESS: NetworkFaults = { dropShare: 0, duplicateShare: 0, shortestDelayMs: 0.1, longestDelayMs: 0.5 };

/** The network between the connections of a `MemoryBroker`, with the faults of the moment. */
export class FaultyNetwork implements Carrier {
  readonly #loop: SimLoop;
  readonly #isolated = new Set<string>();
  readonly #disconnected = new Set<string>();
  #faults = FLAWLESS;

  constructor(loop: SimLoop) {
    this.#loop = loop;
  }

  setFaults(faults: NetworkFaults): void {
    this.#faults = faults;
  }

  /** Cut off without noticing: what it sends and what is sent to it disappears. */
  isolate(connection: string): void {
    this.#isolated.add(connection);
  }

  /** Cut off, and it knows. */
  disconnect(connection: string): void {
    this.#disconnected.add(connection);
  }

  heal(connection: string): void {
    this.#isolated.delete(connection);
    this.#disconnected.delete(connection);
  }

  healAll(): void {
    this.#isolated.clear();
    this.#disconnected.clear();
    this.#faults = FLAWLESS;
  }

  isConnected(connection: string): boolean {
    return !this.#disconnected.has(connection);
  }

  carry(from: string, to: string, deliver: () => void): void {
    const { random } = this.#loop;
    const { dropShare, duplicateShare } = this.#faults;
    if (this.#isCut(from) || this.#isCut(to)) return;
    const copies = random.next() < dropShare ? 0 : random.next() < duplicateShare ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      this.#loop.after(this.#delayMs(), () => {
        if (!this.#isCut(from) && !this.#isCut(to)) deliver();
      });
    }
  }

  #isCut(connection: string): boolean {
    return this.#isolated.has(connection) || this.#disconnected.has(connection);
  }

  #delayMs(): number {
    const { shortestDelayMs, longestDelayMs } = this.#faults;
    return shortestDelayMs + this.#loop.random.next() * (longestDelayMs - shortestDelayMs);
  }
}
