import { budgetOf } from "../../../actors/deployment/budget.ts";
import type { DeploymentState } from "../../../actors/deployment/state.ts";
import type { SimNode } from "../sim-node.ts";
import type { Truth } from "../truth.ts";
import type { Report } from "../violation.ts";
import { isEnding, servingNow } from "./observation.ts";

/**
 * While nothing is sabotaged, whatever is missing is missing because of us. Looks from outside: from the moment a deployment serves in full, and knows it, until
 * its number of replicas changes, it serves with `replicas - maxUnavailable` at least.
 */
export class CalmFloor {
  readonly #truth: Truth;
  readonly #nodes: readonly SimNode[];
  readonly #report: Report;
  readonly #full = new Map<string, number>();

  constructor(truth: Truth, nodes: readonly SimNode[], report: Report) {
    this.#truth = truth;
    this.#nodes = nodes;
    this.#report = report;
  }

  /** Something was sabotaged, or is about to be. */
  forget(): void {
    this.#full.clear();
  }

  look(): void {
    for (const [name, state] of this.#truth.deployments) {
      const isToServe = state.mode === "running" && !isMeantToEnd(state);
      if (!isToServe || this.#full.get(name) !== state.replicas) this.#full.delete(name);
      if (!isToServe || state.replicas === 0) continue;
      const serving = servingNow(state, this.#nodes);
      if (serving >= state.replicas && healthySlots(state) >= state.replicas) this.#full.set(name, state.replicas);
      else if (this.#full.has(name) && serving < floorOf(state)) {
        this.#report(
          "never below replicas - maxUnavailable",
          `${name} serves with ${serving} of ${state.replicas}, at least ${floorOf(state)} were promised`,
        );
      }
    }
  }
}

function healthySlots({ placements }: DeploymentState): number {
  return new Set(Object.values(placements).flatMap(({ slot, healthySinceMs }) => (healthySinceMs === undefined ? [] : [slot]))).size;
}

function isMeantToEnd({ revisions, revision }: DeploymentState): boolean {
  const template = revisions.find(({ number }) => number === revision)?.template;
  return template !== undefined && isEnding(template);
}

/** The most generous budget of any revision that still matters. */
function floorOf(state: DeploymentState): number {
  const allowances = state.revisions.map(({ template }) => budgetOf(template, state.replicas).maxUnavailable);
  return state.replicas - Math.max(0, ...allowances);
}
