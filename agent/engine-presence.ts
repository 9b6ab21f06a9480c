import type { Clock, Random, Timer } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { repeatDelayMs } from "./back-off.ts";
import type { ContainerTable, Look } from "./container-table.ts";
import type { EngineClaim } from "./engine/ownership.ts";
import { EngineFailure } from "./engine/port.ts";
import type { Gate } from "./gate.ts";

/** The engine's events say what changed; looking at everything this often finds what they left out. */
export const LOOK_INTERVAL_MS = 30_000;
/** Between attempts to reach an engine that is away. */
const LONGEST_LOOK_RETRY_MS = 5_000;

export interface EnginePresenceParts {
  readonly table: ContainerTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly claim: () => Promise<EngineClaim>;
  /** Lets a bounded number of containers be inspected at once. */
  readonly inspections: Gate;
  /** The table is as the engine is. `came`: for the first time, or after having been away. */
  readonly looked: (came: boolean) => void;
  readonly went: () => void;
}

/** Whether the engine is there, and the looks at all it holds: at first, regularly, and whenever it comes back. */
export class EnginePresence {
  readonly #parts: EnginePresenceParts;
  #state: "unknown" | "reachable" | "unreachable" = "unknown";
  #refusal: string | undefined;
  #absence: "removed" | "lost" = "removed";
  #looking = false;
  /** Asked for while another was under way, whose answer may be older. */
  #lookAgain: Look | undefined;
  #failures = 0;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: EnginePresenceParts) {
    this.#parts = parts;
  }

  get isReachable(): boolean {
    return this.#state === "reachable";
  }

  /** Why the engine is not used although it answers, in one clause. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Why a container that is missing now is so: somebody removed it, or it went with the engine. */
  get absence(): "removed" | "lost" {
    return this.#absence;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Its events come again. */
  connected(): void {
    void this.look(this.#state === "unreachable" ? "after-absence" : "again");
  }

  wentAway(reason: string): void {
    if (this.#stopped || this.#state === "unreachable") return;
    this.#state = "unreachable";
    this.#parts.log.warn("the engine is away", { reason });
    this.#parts.went();
    this.#lookLater();
  }

  async look(kind: Look): Promise<void> {
    if (this.#stopped) return;
    if (this.#looking) {
      this.#lookAgain = kind;
      return;
    }
    this.#looking = true;
    try {
      const claim: EngineClaim = this.isReachable ? { kind: "ours" } : await this.#parts.claim();
      if (claim.kind === "refused") this.#refused(claim.reason);
      else {
        await this.#parts.table.look(kind, this.#parts.inspections);
        this.#looked(kind);
      }
    } catch (cause) {
      if (!(cause instanceof EngineFailure)) throw cause;
      this.#failures += 1;
      this.#refusal = undefined;
      if (this.#state === "unreachable") this.#lookLater();
      else this.wentAway(cause.message);
    } finally {
      this.#looking = false;
    }
    const again = this.#lookAgain;
    this.#lookAgain = undefined;
    if (again !== undefined) await this.look(again);
  }

  /** It is as good as away, until it is ours. */
  #refused(reason: string): void {
    if (this.#stopped) return;
    this.#failures += 1;
    if (this.#refusal === reason) return this.#lookLater();
    this.#refusal = reason;
    this.#state = "unreachable";
    this.#parts.log.error("the engine is not used", { reason });
    this.#parts.went();
    this.#lookLater();
  }

  #looked(kind: Look): void {
    if (this.#stopped) return;
    const came = this.#state !== "reachable";
    this.#state = "reachable";
    this.#refusal = undefined;
    this.#failures = 0;
    // While the first steps after this look are planned, what is missing went with the engine.
    this.#absence = kind === "after-absence" ? "lost" : "removed";
    this.#parts.looked(came);
    this.#absence = "removed";
    this.#lookLater();
  }

  #lookLater(): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    const away = this.#state === "unreachable";
    const delayMs = away ? repeatDelayMs(this.#failures, LONGEST_LOOK_RETRY_MS, this.#parts.random.next()) : LOOK_INTERVAL_MS;
    this.#timer = this.#parts.clock.after(delayMs, () => void this.look(away ? "after-absence" : "again"));
  }
}
