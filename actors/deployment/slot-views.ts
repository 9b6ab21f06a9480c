import { bringsForward, wantedSlots } from "./global.ts";
import { contentOf, isActive, isOver } from "./replica.ts";
import { newSlot } from "./slots.ts";
import type { DeploymentState, PlacementRecord, Slot } from "./state.ts";

export interface SlotView {
  readonly slot: Slot;
  /** At the slot's revision and meant to stay, best first. */
  readonly good: readonly PlacementRecord[];
  /** Of another revision, or being evacuated. */
  readonly old: readonly PlacementRecord[];
}

/** Active placements by slot, for the slots that should exist. */
export function slotViews(state: DeploymentState): readonly SlotView[] {
  const bySlot = new Map<number, PlacementRecord[]>();
  for (const placement of Object.values(state.placements)) {
    if (!isActive(placement)) continue;
    const list = bySlot.get(placement.slot);
    if (list === undefined) bySlot.set(placement.slot, [placement]);
    else list.push(placement);
  }
  const contents = new Map(state.revisions.map((revision) => [revision.number, revision.contentOf]));
  return wantedSlots(state).map((number) => {
    const slot = state.slots[number] ?? newSlot(number);
    const placements = bySlot.get(number) ?? [];
    const wanted = slot.revision === 0 ? 0 : (contents.get(slot.revision) ?? contentOf(state, slot.revision));
    const isGood = (placement: PlacementRecord): boolean => placement.contentOf === wanted && mayStay(slot, placement);
    return { slot, good: placements.filter(isGood).sort(byMerit), old: placements.filter((placement) => !isGood(placement)) };
  });
}

/** Whoever lives on one node alone has no successor anywhere else: it stays until its slot is removed. */
function mayStay({ node }: Slot, { evacuation, stage }: PlacementRecord): boolean {
  return node === undefined ? evacuation === undefined : stage.stage !== "assigned" || stage.node === node;
}

/** Healthy before unhealthy, then the older. */
function byMerit(a: PlacementRecord, b: PlacementRecord): number {
  return (a.healthySinceMs ?? Infinity) - (b.healthySinceMs ?? Infinity) || a.requestedAtMs - b.requestedAtMs;
}

/** What lives in the slot is of an older revision, or has to leave its node. */
export function needsSuccessor(state: DeploymentState, { slot, good, old }: SlotView): boolean {
  if (bringsForward(state) && slot.revision !== state.revision) return good.length + old.length > 0;
  return good.length === 0 && old.length > 0 && !isOver(state, slot);
}

/** What still runs in slots that should not exist. */
export function excessOf(state: DeploymentState): readonly PlacementRecord[] {
  const wanted = new Set(wantedSlots(state));
  return Object.values(state.placements).filter((placement) => isActive(placement) && !wanted.has(placement.slot));
}
