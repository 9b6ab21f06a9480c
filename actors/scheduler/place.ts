import type { PlacementRequest, Rejection, Requirements } from "./contract.ts";
import { filters, type Filter, type Wanted } from "./filters.ts";
import type { Ledger, Room } from "./ledger.ts";

export type Placed =
  | { readonly kind: "placed"; readonly node: string }
  | { readonly kind: "rejected"; readonly rejections: readonly Rejection[] };

/** Chooses a node: first what can take it at all, then what is best. The same state and request always give the same node. */
export function place(ledger: Ledger, deployment: string, request: PlacementRequest): Placed {
  const { node: own, requirements } = request;
  const rooms = own === undefined ? ledger.rooms : ledger.rooms.filter(({ node }) => node.name === own);
  if (rooms.length === 0) return { kind: "rejected", rejections: [withoutNode(own)] };
  const wanted: Wanted = { ...request, ...requirements, deployment };
  let best: Room | undefined;
  for (const room of rooms) {
    const isFit = filters.every((filter) => filter.accepts(room, wanted));
    if (isFit && (best === undefined || compare(room, best, deployment, request) < 0)) best = room;
  }
  return best === undefined
    ? { kind: "rejected", rejections: rejectionsOf(filters, rooms, wanted) }
    : { kind: "placed", node: best.node.name };
}

function withoutNode(pinnedTo: string | undefined): Rejection {
  const reason = pinnedTo === undefined ? "there is no node" : `there is no node ${pinnedTo} any more`;
  return { filter: "ready", nodes: [], reason, remedy: "Add a node." };
}

/** A node counts for the first filter that rejects it. */
export function rejectionsOf(filters: readonly Filter[], rooms: readonly Room[], wanted: Wanted): readonly Rejection[] {
  const rejections: Rejection[] = [];
  let candidates = rooms;
  for (const filter of filters) {
    const rejected = candidates.filter((room) => !filter.accepts(room, wanted));
    if (rejected.length === 0) continue;
    candidates = candidates.filter((room) => filter.accepts(room, wanted));
    rejections.push({
      filter: filter.name,
      nodes: rejected.map(({ node }) => node.name),
      reason: filter.reason(rejected, wanted),
      remedy: filter.remedy(rejected, wanted),
    });
  }
  return rejections;
}

/** Swarmkit's order: nodes where it failed lately last, then fewer of this deployment, then the less loaded, then by name. */
function compare(a: Room, b: Room, deployment: string, { avoid, requirements }: PlacementRequest): number {
  const failures = (room: Room): number => (avoid.includes(room.node.name) ? 1 : 0);
  const own = (room: Room): number => room.replicasOf.get(deployment) ?? 0;
  return (
    failures(a) - failures(b) ||
    own(a) - own(b) ||
    load(a, requirements) - load(b, requirements) ||
    a.replicas - b.replicas ||
    (a.node.name < b.node.name ? -1 : 1)
  );
}

/** Part of the node that would be reserved, 0 to 1: the scarcer of processor and memory. */
function load({ node, cpuFreeMillis, memoryFreeBytes }: Room, wanted: Requirements): number {
  const cpu = node.cpuMillis === 0 ? 1 : 1 - (cpuFreeMillis - wanted.cpuReservedMillis) / node.cpuMillis;
  const memory = node.memoryBytes === 0 ? 1 : 1 - (memoryFreeBytes - wanted.memoryReservedBytes) / node.memoryBytes;
  return Math.max(cpu, memory);
}
