import type { Assignment, AssignmentChange, AssignmentPortion } from "../actors/node/assignment-contract.ts";
import { type AssignmentNumber, compareAssignments } from "./assignment-order.ts";

/** What the change makes of the assignment at hand; undefined when it is made for another one. */
export function changedAssignment(held: Assignment | undefined, change: AssignmentChange): Assignment | undefined {
  if (held === undefined || compareAssignments(held, change.base) !== 0) return undefined;
  const { kind: _kind, base: _base, placements: given, stopped, removed, ...head } = change;
  const placements = new Map(held.placements.map((placement) => [placement.placementId, placement]));
  for (const id of removed) placements.delete(id);
  for (const id of stopped) {
    const placement = placements.get(id);
    if (placement !== undefined) placements.set(id, { ...placement, desired: "stopped" });
  }
  for (const placement of given) placements.set(placement.placementId, placement);
  return { kind: "assignment", ...head, placements: [...placements.values()] };
}

/** Collects the portions of one assignment at a time; those of another take their place. In memory alone: whoever gives them begins anew when they are lost. */
export class AssignmentPortions {
  #of: (AssignmentNumber & { readonly portions: number }) | undefined;
  readonly #portions = new Map<number, AssignmentPortion>();

  /** The whole, once nothing of it is missing. */
  take(portion: AssignmentPortion): Assignment | undefined {
    const { kind: _kind, portion: position, portions, ...head } = portion;
    const isSame = this.#of !== undefined && compareAssignments(this.#of, head) === 0 && this.#of.portions === portions;
    if (!isSame) this.#portions.clear();
    this.#of = { epoch: head.epoch, number: head.number, portions };
    this.#portions.set(position, portion);
    if (this.#portions.size < portions) return undefined;
    const all = [...this.#portions.values()].toSorted((one, other) => one.portion - other.portion);
    this.#of = undefined;
    this.#portions.clear();
    return { kind: "assignment", ...head, placements: all.flatMap(({ placements }) => placements) };
  }
}
