import { budgetOf } from "./budget.ts";
import { excuseOf } from "./excuses.ts";
import { isAvailable, isHealthy, templateInForce, templateOf } from "./replica.ts";
import { excessOf, type SlotView } from "./slot-views.ts";
import type { DeploymentState, PlacementRecord } from "./state.ts";

/** `new-first`: there is room beside the old replica. `old-first`: its place is needed, and it may be missed. */
export type Permission = "new-first" | "old-first" | "no";

/** What a rollout's budget leaves, brought up to date with every replacement as it is allowed. */
export class RolloutRoom {
  readonly #mostActive: number;
  /** A replica that must leave its node stands in nobody's way while its successor starts on another, whatever ports they publish. */
  readonly #mostActiveLeaving: number;
  /** It has no more room for one that leaves its node than for any other: no replica is ever in two places. */
  readonly #isNeverTwice: boolean;
  readonly #leastAvailable: number;
  readonly #isProven: (placement: PlacementRecord) => boolean;
  readonly #isReliedOn: (placement: PlacementRecord) => boolean;
  #active: number;
  #available: number;

  constructor(state: DeploymentState, views: readonly SlotView[], nowMs: number) {
    // Nodes that cannot take their replica are neither missed nor made up for.
    const counted = views.filter((view) => excuseOf(state, view, nowMs) === undefined);
    const wanted = counted.length;
    const template = templateInForce(state);
    const { maxSurge, maxUnavailable } = budgetOf(template, wanted);
    this.#isNeverTwice = maxSurge === 0 && template.partition === "wait";
    // Where nobody may be too many, the old one goes first, also while another is missing: its place is not for a successor that would stand beside it.
    this.#mostActive = maxSurge === 0 ? 0 : wanted + maxSurge;
    this.#mostActiveLeaving = this.#isNeverTwice ? 0 : wanted + Math.max(1, maxSurge);
    this.#leastAvailable = wanted - maxUnavailable;
    // A process that dies after a second was healthy, too: only replicas that have proved themselves make up for one that is stopped.
    this.#isProven = (placement) => isAvailable(state, placement, nowMs);
    // A job serves nobody while it runs, and one that goes on and on would never make room.
    this.#isReliedOn = (placement) => isHealthy(placement) && templateOf(state, placement.contentOf).run !== "job";
    const excess = excessOf(state);
    this.#active = counted.reduce((sum, { good, old }) => sum + good.length + old.length, excess.length);
    this.#available = counted.filter((view) => this.#isAvailable(view)).length + excess.filter(this.#isProven).length;
  }

  /** One that has ended as it may is missed by nobody. */
  #isAvailable({ slot, good, old }: SlotView): boolean {
    return slot.ended?.outcome === "succeeded" || [...good, ...old].some(this.#isProven);
  }

  /** A replica that is one too many stops now, whoever relies on it. Each is told once. */
  leave(placement: PlacementRecord): void {
    this.#active -= 1;
    if (this.#isProven(placement)) this.#available -= 1;
  }

  /** Whether a replica that is one too many may stop now. Each is asked about once. */
  letGo(placement: PlacementRecord): boolean {
    const others = this.#available - (this.#isProven(placement) ? 1 : 0);
    if (this.#isReliedOn(placement) && others < this.#leastAvailable) return false;
    this.leave(placement);
    return true;
  }

  /** Whether, and how, a slot may be replaced now. Each slot is asked about once. */
  take(view: SlotView): Permission {
    const placements = [...view.good, ...view.old];
    const isServing = placements.some(isHealthy);
    const isLeaving = placements.every(({ evacuation }) => evacuation !== undefined);
    if (isServing && this.#active < (isLeaving ? this.#mostActiveLeaving : this.#mostActive)) {
      this.#active += 1;
      return "new-first";
    }
    if (isServing && isLeaving && !this.#isNeverTwice) return "no";
    const others = this.#available - (this.#isAvailable(view) ? 1 : 0);
    if (isServing && others < this.#leastAvailable) return "no";
    this.#active += 1 - placements.length;
    this.#available = others;
    return "old-first";
  }
}
