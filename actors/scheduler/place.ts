import type { PlacementRequest, Rejection, Requirements } from "./contract.ts";
import { filters } from "./filters.ts";
import type { Ledger, Room } from "./ledger.ts";

export type Placed =
  | { readonly kind: "placed"; readonly node: string }
  | { readonly kind: "rejected"; readonly rejections: readonly Rejection[] };

/** Chooses a node: first what can take it at all, then what is best. The same state and request always give the same node. */
export function place(ledger: Ledger, deployment: string, request: PlacementRequest): Placed {
  let candidates = ledger.rooms();
  const rejections: Rejection[] = [];
  if (candidates.length === 0)
    return { kind: "rejected", rejections: [{ filter: "ready", nodes: [], reason: "there is no node", remedy: "Add a node." }] };
  for (const filter of filters) {
    const rejected = candidates.filter((room) => !filter.accepts(room, request.requirements));
    if (rejected.length === 0) continue;
    candidates = candidates.filter((room) => filter.accepts(room, request.requirements));
    rejections.push({
      filter: filter.name,
      nodes: rejected.map(({ node }) => node.name),
      reason: filter.reason(rejected, request.requirements),
      remedy: filter.remedy(rejected, request.requirements),
    });
  }
  const [best] = [...candidates].sort((a, b) => compare(a, b, deployment, request));
  return best === undefined ? { kind: "rejected", rejections } : { kind: "placed", node: best.node.name };
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
