import type { DeploymentEvent } from "./events.ts";
import { contentOf, isActive, isSameReplica } from "./replica.ts";
import type { SlotView } from "./slot-views.ts";
import { newSlot, patched } from "./slots.ts";
import type { DeploymentState, PlacementRecord, Slot } from "./state.ts";

/** How replicas pass to another revision as they are, because nothing that they carry is different there. Pure. */

/** Slots that are to come to the present revision and need no other replica for it: they run or have run it, or will when one is started. */
export function adoptable(state: DeploymentState, views: readonly SlotView[]): readonly number[] {
  const { revision } = state;
  const wanted = contentOf(state, revision);
  const isSame = (content: number): boolean => isSameReplica(state, content, wanted);
  return views
    .filter(({ slot }) => slot.revision !== revision)
    .filter(
      ({ slot, good, old }) =>
        (slot.revision !== 0 && isSame(contentOf(state, slot.revision))) ||
        (slot.ended !== undefined && isSame(slot.ended.contentOf)) ||
        [...good, ...old].some((placement) => isSame(placement.contentOf)),
    )
    .map(({ slot }) => slot.number);
}

/** Who is leaving goes on leaving as what it was. */
export function adopted(state: DeploymentState, event: Extract<DeploymentEvent, { type: "slots.adopted" }>): DeploymentState {
  const { revision } = event;
  const content = contentOf(state, revision);
  const isSame = (other: number): boolean => other !== content && isSameReplica(state, other, content);
  const change = (slot: Slot | undefined, number: number): Slot => {
    const { ended, ...rest } = slot ?? newSlot(number);
    return { ...rest, revision, ...(ended !== undefined && { ended: isSame(ended.contentOf) ? { ...ended, contentOf: content } : ended }) };
  };
  const isIn = new Set(event.slots);
  const passing = Object.values(state.placements).filter(
    (placement) => isIn.has(placement.slot) && isActive(placement) && isSame(placement.contentOf),
  );
  const placements = passing.map((placement): [string, PlacementRecord] => [placement.placementId, { ...placement, contentOf: content }]);
  return {
    ...state,
    slots: patched(state.slots, event.slots, change),
    placements: { ...state.placements, ...Object.fromEntries(placements) },
  };
}
