import { bringsForward, wantedSlots } from "./global.ts";
import { contentOf, isActive, isDisconnected, isHealthy, isOver } from "./replica.ts";
import { newSlot } from "./slots.ts";
import type { DeploymentState, PlacementRecord, Slot } from "./state.ts";

export interface SlotView {
  readonly slot: Slot;
  /** At the slot's revision and meant to stay, best first. */
  readonly good: readonly PlacementRecord[];
  /** Of another revision, or being evacuated. */
  readonly old: readonly PlacementRecord[];
  /** To be stopped, and not known to have ended. */
  readonly leaving: readonly PlacementRecord[];
}

/** Placements by slot, for the slots that should exist. */
export function slotViews(state: DeploymentState): readonly SlotView[] {
  const bySlot = new Map<number, PlacementRecord[]>();
  for (const placement of Object.values(state.placements)) {
    const list = bySlot.get(placement.slot);
    if (list === undefined) bySlot.set(placement.slot, [placement]);
    else list.push(placement);
  }
  const contents = new Map(state.revisions.map((revision) => [revision.number, revision.contentOf]));
  return wantedSlots(state).map((number) => {
    const slot = state.slots[number] ?? newSlot(number);
    const all = bySlot.get(number) ?? [];
    const placements = all.filter(isActive);
    const wanted = slot.revision === 0 ? 0 : (contents.get(slot.revision) ?? contentOf(state, slot.revision));
    const isGood = (placement: PlacementRecord): boolean => placement.contentOf === wanted && mayStay(slot, placement);
    return {
      slot,
      good: placements.filter(isGood).sort(byMerit),
      old: placements.filter((placement) => !isGood(placement)),
      leaving: all.filter((placement) => !isActive(placement)),
    };
  });
}

/** Whoever lives on one node alone has no successor anywhere else: it stays until its slot is removed. */
function mayStay({ node }: Slot, { evacuation, stage }: PlacementRecord): boolean {
  return node === undefined ? evacuation === undefined : stage.stage !== "assigned" || stage.node === node;
}

/** Healthy before unhealthy, then the older. */
function byMerit(a: PlacementRecord, b: PlacementRecord): number {
  const sinceMs = (placement: PlacementRecord): number => (isHealthy(placement) ? placement.healthySinceMs : undefined) ?? Infinity;
  return sinceMs(a) - sinceMs(b) || a.requestedAtMs - b.requestedAtMs;
}

/** One of the slot, wanted or not, of which nobody knows whether it still runs. */
export function disconnectedIn({ good, old, leaving }: SlotView): PlacementRecord | undefined {
  return [...good, ...old, ...leaving].find(isDisconnected);
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
