import type { Address } from "../address.ts";
import type { Clock, Random, Timer } from "../clock.ts";
import type { TurnLane, TurnScheduler } from "../turns.ts";
import type { SimLoop } from "./sim-loop.ts";

/** A turn begins up to so much after it was asked for, so that the order among actors differs from seed to seed. */
const LONGEST_TURN_DELAY_MS = 1;

/** One process inside the simulation: its clocks, its chance, its turns. Nothing of it happens any more once it is killed. */
export class SimProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly turns: TurnScheduler;
  readonly #loop: SimLoop;
  #wallOffsetMs = 0;
  #isAlive = true;

  constructor(loop: SimLoop, name: string) {
    this.name = name;
    this.#loop = loop;
    this.random = loop.random;
    this.clock = {
      nowMs: () => Math.floor(loop.wallMs + this.#wallOffsetMs),
      monotonicMs: () => loop.nowMs,
      after: (delayMs, call) => this.#after(delayMs, call),
    };
    this.turns = { open: (_address: Address, drain) => this.#lane(drain), close: () => undefined };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** As `kill -9`: in the middle of whatever it does. */
  kill(): void {
    this.#isAlive = false;
  }

  /** Puts its wall clock forward, or back when negative. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  #after(delayMs: number, call: () => void): Timer {
    return this.#loop.after(delayMs, () => {
      if (this.#isAlive) call();
    });
  }

  #lane(drain: () => void): TurnLane {
    let isOpen = true;
    return {
      wake: () => {
        this.#after(this.random.next() * LONGEST_TURN_DELAY_MS, () => {
          if (isOpen) drain();
        });
      },
      close: () => {
        isOpen = false;
      },
    };
  }
}
