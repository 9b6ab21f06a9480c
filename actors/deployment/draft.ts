import type { DeploymentEvent } from "./events.ts";
import { slotViews, type SlotView } from "./slot-views.ts";
import { evolve } from "./evolve.ts";
import type { DeploymentState } from "./state.ts";

/** Events decided so far, and the state they lead to. */
export class Draft {
  readonly events: DeploymentEvent[] = [];
  state: DeploymentState;
  readonly nowMs: number;
  #views: { readonly of: DeploymentState; readonly views: readonly SlotView[] } | undefined;
  constructor(state: DeploymentState, nowMs: number) {
    this.state = state;
    this.nowMs = nowMs;
  }
  add(event: DeploymentEvent): void {
    this.events.push(event);
    this.state = evolve(this.state, event, this.nowMs);
  }
  /** Of the state as it is now; made once for each state, because a decision looks at them many times. */
  get views(): readonly SlotView[] {
    if (this.#views?.of !== this.state) this.#views = { of: this.state, views: slotViews(this.state) };
    return this.#views.views;
  }
}
