import type { DeploymentState, Slot } from "./state.ts";

/** How the slots of a deployment change: the part of `evolve` that is about them. Pure, as all of it. */

export function newSlot(number: number): Slot {
  return { number, revision: 0, avoid: [], notBeforeMs: 0, relocations: 0 };
}

/** How many nodes a slot remembers to avoid; the oldest is forgiven first. */
const MAX_AVOIDED_NODES = 5;

export function relocated(slot: Slot, node: string, notBeforeMs: number): Slot {
  const avoid = [...slot.avoid.filter((name) => name !== node), node].slice(-MAX_AVOIDED_NODES);
  return { ...slot, avoid, notBeforeMs, relocations: slot.relocations + 1 };
}

export function patched(
  slots: DeploymentState["slots"],
  numbers: readonly number[],
  change: (slot: Slot | undefined, number: number) => Slot,
): DeploymentState["slots"] {
  const result = { ...slots };
  for (const number of numbers) result[number] = change(result[number], number);
  return result;
}
