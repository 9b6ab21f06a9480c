import type { FittingNode } from "../scheduler/contract.ts";
import type { Draft } from "./draft.ts";
import { closedBecause, isGlobal, presentNodes } from "./global.ts";
import { stop } from "./leaving.ts";
import { contentOf, hasEnded, isActive } from "./replica.ts";
import type { DeploymentState, NodeList, PlacementRecord, Slot } from "./state.ts";

/** Gives each node that fits a slot of its own, and takes away those of nodes that have left. In a deployment that is not global, no slot has a node. */
export function followNodes(draft: Draft): void {
  if (!isGlobal(draft.state)) return free(draft);
  const list = presentNodes(draft.state);
  if (list === undefined) return;
  remove(draft, list);
  adopt(draft, list);
  add(draft, list);
  // Nothing can come of what was asked for and cannot be had now: it is asked for again when the node takes replicas.
  const { state } = draft;
  const waiting = Object.values(state.placements).filter(
    (placement) => isActive(placement) && placement.stage.stage !== "assigned" && isClosed(state, placement),
  );
  stop(draft, waiting);
}

function isClosed(state: DeploymentState, { slot: number }: PlacementRecord): boolean {
  const slot = state.slots[number];
  return slot !== undefined && closedBecause(state, slot) !== undefined;
}

function pinned({ slots }: DeploymentState): readonly Slot[] {
  return Object.values(slots).filter(({ node }) => node !== undefined);
}

function free(draft: Draft): void {
  const slots = pinned(draft.state).map(({ number }) => number);
  if (slots.length > 0) draft.add({ type: "slots.freed", slots });
}

function remove(draft: Draft, { nodes }: NodeList): void {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const slots = pinned(draft.state)
    .filter((slot) => hasLeft(draft.state, slot, byName.get(slot.node ?? "")))
    .map(({ number }) => number);
  if (slots.length > 0) draft.add({ type: "slots.removed", slots });
}

/** A node that is silent keeps its slot, and so does one whose work is done: neither begins anew when it takes replicas again. */
function hasLeft(state: DeploymentState, slot: Slot, node: FittingNode | undefined): boolean {
  if (node === undefined) return true;
  if (hasEnded(slot, contentOf(state, state.revision))) return false;
  switch (node.readiness) {
    case "draining":
      return true;
    case "cordoned":
      return activeIn(state, slot.number).length === 0;
    case "ready":
    case "unreachable":
    case "refused":
      return false;
  }
}

/** Where a replica runs from the time before, its slot becomes the node's. */
function adopt(draft: Draft, { nodes }: NodeList): void {
  const { state } = draft;
  const taken = new Set(pinned(state).map(({ node }) => node));
  const slots: { slot: number; node: string }[] = [];
  for (const { number, node: own } of Object.values(state.slots)) {
    const node =
      own === undefined ? activeIn(state, number).find((name) => !taken.has(name) && nodes.some((each) => each.name === name)) : undefined;
    if (node === undefined) continue;
    taken.add(node);
    slots.push({ slot: number, node });
  }
  if (slots.length > 0) draft.add({ type: "slots.pinned", slots });
}

/** Nodes on which the slot has a replica that is to run. */
function activeIn({ placements }: DeploymentState, slot: number): readonly string[] {
  return Object.values(placements).flatMap((placement) =>
    placement.slot === slot && isActive(placement) && placement.stage.stage === "assigned" ? [placement.stage.node] : [],
  );
}

/** Numbers are used again, so that they stay small, but not while something runs under them. */
function add(draft: Draft, { nodes }: NodeList): void {
  const { state } = draft;
  const taken = new Set(pinned(state).map(({ node }) => node));
  const used = new Set([...Object.keys(state.slots).map(Number), ...Object.values(state.placements).map(({ slot }) => slot)]);
  const slots: { slot: number; node: string }[] = [];
  let number = 0;
  for (const { name, readiness } of nodes) {
    if (readiness !== "ready" || taken.has(name)) continue;
    do number += 1;
    while (used.has(number));
    slots.push({ slot: number, node: name });
  }
  if (slots.length > 0) draft.add({ type: "slots.pinned", slots });
}
