import type { Clock, Random, Timer } from "../../runtime/clock.ts";
import { engineFailures } from "./failures.ts";

/** A call that gets no answer fails after so long. */
const CALL_DEADLINE_MS = 30_000;
/** An absent socket is noticed after so long. */
const REFUSED_MS = 1;

/** The way from the agent to a simulated engine: takes time, and fails when the engine is down, hangs or crashes. */
export class SimulatedCalls {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #underWay = new Set<(why: string) => void>();
  #state: "up" | "down" | "hanging" = "up";

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  get isUp(): boolean {
    return this.#state !== "down";
  }

  /** `work` is done when the time has passed: half to one and a half of `typicalMs`. If the engine crashes meanwhile, chance says whether it was done. */
  make<Answer>(typicalMs: number, work: () => Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#state === "down") {
        this.#clock.after(REFUSED_MS, () => reject(engineFailures.engineUnavailable("connection refused")));
        return;
      }
      const isHanging = this.#state === "hanging";
      let timer: Timer | undefined;
      const interrupted = (why: string) => {
        timer?.cancel();
        this.#underWay.delete(interrupted);
        if (!isHanging && this.#random.next() < 0.5) attempt(work);
        reject(engineFailures.engineUnavailable(why));
      };
      this.#underWay.add(interrupted);
      timer = this.#clock.after(isHanging ? CALL_DEADLINE_MS : typicalMs * (0.5 + this.#random.next()), () => {
        this.#underWay.delete(interrupted);
        if (isHanging) reject(engineFailures.engineUnavailable(`no answer within ${CALL_DEADLINE_MS / 1_000} s`));
        else settle(work, resolve, reject);
      });
    });
  }

  /** Time that passes whatever the engine does. */
  pass(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(delayMs, resolve));
  }

  /** Waits for something the engine reports; rejects when the engine crashes first. */
  unlessInterrupted(awaited: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const interrupted = (why: string) => {
        this.#underWay.delete(interrupted);
        reject(engineFailures.engineUnavailable(why));
      };
      this.#underWay.add(interrupted);
      void awaited.then(() => {
        this.#underWay.delete(interrupted);
        resolve();
      });
    });
  }

  goDown(why: string): void {
    this.#state = "down";
    for (const interrupted of this.#underWay) interrupted(why);
  }

  comeUp(): void {
    this.#state = "up";
  }

  hang(): void {
    this.#state = "hanging";
  }
}

function settle<Answer>(work: () => Answer, resolve: (answer: Answer) => void, reject: (reason: unknown) => void): void {
  try {
    resolve(work());
  } catch (error) {
    reject(error);
  }
}

/** Whether it failed is lost with the answer. */
function attempt(work: () => unknown): void {
  try {
    work();
  } catch {
    return;
  }
}
