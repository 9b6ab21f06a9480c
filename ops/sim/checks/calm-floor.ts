import { budgetOf } from "../../../actors/deployment/budget.ts";
import { wantedSlots } from "../../../actors/deployment/global.ts";
import { onTheWayBack } from "../../../actors/deployment/replica.ts";
import type { DeploymentState } from "../../../actors/deployment/state.ts";
import type { SimNode } from "../sim-node.ts";
import type { Truth } from "../truth.ts";
import type { Report } from "../violation.ts";
import { isEnding, servingNow } from "./observation.ts";

/**
 * While nothing is sabotaged, whatever is missing is missing because of us. Looks from outside: from the moment a deployment serves in full, and knows it, until
 * its slots change, it serves with `replicas - maxUnavailable` at least.
 */
export class CalmFloor {
  readonly #truth: Truth;
  readonly #nodes: readonly SimNode[];
  readonly #report: Report;
  /** By deployment: the slots with which it served in full. */
  readonly #full = new Map<string, string>();

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
      const slots = isToServe ? wantedSlots(state) : [];
      if (this.#full.get(name) !== slots.join()) this.#full.delete(name);
      if (slots.length === 0) continue;
      const serving = servingNow(state, this.#nodes);
      const floor = floorOf(state, slots.length);
      if (serving >= slots.length && healthySlots(state) >= slots.length) this.#full.set(name, slots.join());
      else if (this.#full.has(name) && serving < floor) {
        this.#report(
          "never below replicas - maxUnavailable",
          `${name} serves with ${serving} of ${slots.length}, at least ${floor} were promised`,
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
function floorOf({ revisions }: DeploymentState, replicas: number): number {
  const ways = revisions.flatMap(({ template }) => [template, onTheWayBack(template)]);
  const allowances = ways.map((template) => budgetOf(template, replicas).maxUnavailable);
  return replicas - Math.max(0, ...allowances);
}
