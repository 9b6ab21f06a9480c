import { budgetOf } from "./budget.ts";
import { contentOf, isAvailable, isHealthy, templateOf, type SlotView } from "./replica.ts";
import type { DeploymentState } from "./state.ts";

/** `new-first`: there is room beside the old replica. `old-first`: its place is needed, and it may be missed. */
export type Permission = "new-first" | "old-first" | "no";

/** What a rollout's budget leaves, brought up to date with every replacement as it is allowed. */
export class RolloutRoom {
  readonly #mostActive: number;
  /** A replica that must leave its node stands in nobody's way while its successor starts on another, whatever ports they publish. */
  readonly #mostActiveLeaving: number;
  readonly #leastAvailable: number;
  readonly #isAvailable: (view: SlotView) => boolean;
  #active: number;
  #available: number;

  constructor(state: DeploymentState, views: readonly SlotView[], nowMs: number) {
    const { maxSurge, maxUnavailable } = budgetOf(templateOf(state, contentOf(state, state.revision)), state.replicas);
    this.#mostActive = state.replicas + maxSurge;
    this.#mostActiveLeaving = state.replicas + Math.max(1, maxSurge);
    this.#leastAvailable = state.replicas - maxUnavailable;
    // A process that dies after a second was healthy, too: only replicas that have proved themselves make up for one that is stopped.
    // One that has ended as it may is missed by nobody.
    this.#isAvailable = ({ slot, good, old }) =>
      slot.ended?.outcome === "succeeded" || [...good, ...old].some((placement) => isAvailable(state, placement, nowMs));
    this.#active = views.reduce((sum, { good, old }) => sum + good.length + old.length, 0);
    this.#available = views.filter(this.#isAvailable).length;
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
    if (isServing && isLeaving) return "no";
    const others = this.#available - (this.#isAvailable(view) ? 1 : 0);
    if (isServing && others < this.#leastAvailable) return "no";
    this.#active += 1 - placements.length;
    this.#available = others;
    return "old-first";
  }
}
