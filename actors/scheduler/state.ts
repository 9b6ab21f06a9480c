import type { PlacementRequest, Rejection, Requirements, SchedulerNode } from "./contract.ts";

/** Resources set aside on a node, from the moment of the decision until the container has really stopped or the node is removed. */
export interface Reservation {
  readonly placementId: string;
  readonly deployment: string;
  readonly slot: number;
  readonly node: string;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly hostPorts: Requirements["hostPorts"];
  readonly volumes?: readonly string[];
  readonly together?: string;
  /** It could go nowhere else, so its volumes have data of their own on each node. */
  readonly isPinned?: true;
}

export interface Pending {
  readonly deployment: string;
  readonly request: PlacementRequest;
  readonly rejections: readonly Rejection[];
}

/** A deployment that is told which nodes fit. */
export interface Follower {
  /** Its revision that wants this. */
  readonly revision: number;
  readonly requirements: Requirements;
}

/** Where the data of a volume is: on one node, or each time other data on every node where a global deployment has used it. */
export type VolumePlace =
  | { readonly kind: "one-node"; readonly node: string }
  /** By name. */
  | { readonly kind: "per-node"; readonly nodes: readonly string[] };

export interface SchedulerState {
  readonly nodes: Readonly<Record<string, SchedulerNode>>;
  /** In the order they were booked. A list and no mapping: one of thousands changes with each event, and a list is copied a hundred times faster. */
  readonly reservations: readonly Reservation[];
  /** In the order they were asked for. */
  readonly pending: readonly Pending[];
  /** By volume: where the first replica that used it was placed. It stays there when nobody uses it. */
  readonly volumes: Readonly<Record<string, VolumePlace>>;
  /** By deployment. */
  readonly followers: Readonly<Record<string, Follower>>;
  /** Grows with everything that could change which nodes fit, so that of two lists the newer is known. */
  readonly listing: number;
}

export type SchedulerEvent =
  | { readonly type: "node.changed"; readonly node: SchedulerNode }
  | { readonly type: "node.removed"; readonly name: string }
  | { readonly type: "placements.reserved"; readonly reservations: readonly Reservation[] }
  | { readonly type: "placements.pended"; readonly pending: readonly Pending[] }
  | { readonly type: "volume.forgotten"; readonly name: string }
  | { readonly type: "nodes.followed"; readonly deployment: string; readonly revision: number; readonly requirements: Requirements }
  | { readonly type: "nodes.unfollowed"; readonly deployment: string }
  | { readonly type: "placements.released"; readonly placementIds: readonly string[] };

export const noNodes: SchedulerState = { nodes: {}, reservations: [], pending: [], volumes: {}, followers: {}, listing: 0 };

export function evolve(state: SchedulerState, event: SchedulerEvent): SchedulerState {
  switch (event.type) {
    case "node.changed":
      return listed({ ...state, nodes: { ...state.nodes, [event.node.name]: event.node } });
    case "node.removed": {
      const { [event.name]: _removed, ...nodes } = state.nodes;
      const reservations = state.reservations.filter(({ node }) => node !== event.name);
      // The places of volumes stay: their data is nowhere else, and who uses them must not begin anew beside it unnoticed.
      return listed({ ...state, nodes, reservations });
    }
    case "placements.reserved": {
      const placed = new Set(event.reservations.map(({ placementId }) => placementId));
      const reservations = [...state.reservations, ...event.reservations];
      const pending = state.pending.filter(({ request }) => !placed.has(request.placementId));
      return { ...state, reservations, pending, volumes: withVolumes(state, event.reservations) };
    }
    case "placements.pended": {
      const changed = new Map(event.pending.map((item) => [item.request.placementId, item]));
      const kept = state.pending.map((item) => changed.get(item.request.placementId) ?? item);
      const known = new Set(kept.map(({ request }) => request.placementId));
      return { ...state, pending: [...kept, ...event.pending.filter(({ request }) => !known.has(request.placementId))] };
    }
    case "nodes.followed": {
      const { deployment, revision, requirements } = event;
      return listed({ ...state, followers: { ...state.followers, [deployment]: { revision, requirements } } });
    }
    case "nodes.unfollowed": {
      const { [event.deployment]: _unfollowed, ...followers } = state.followers;
      return { ...state, followers };
    }
    case "volume.forgotten": {
      const { [event.name]: _forgotten, ...volumes } = state.volumes;
      return { ...state, volumes };
    }
    case "placements.released": {
      const released = new Set(event.placementIds);
      const reservations = state.reservations.filter(({ placementId }) => !released.has(placementId));
      return { ...state, reservations, pending: state.pending.filter(({ request }) => !released.has(request.placementId)) };
    }
  }
}

function listed(state: SchedulerState): SchedulerState {
  return { ...state, listing: state.listing + 1 };
}

/** The same object where nothing is another: most reservations use no volume, and all others know theirs. */
function withVolumes({ volumes }: SchedulerState, reservations: readonly Reservation[]): SchedulerState["volumes"] {
  let result = volumes;
  for (const reservation of reservations)
    for (const name of reservation.volumes ?? []) {
      const before = Object.hasOwn(result, name) ? result[name] : undefined;
      const place = placeOf(before, reservation);
      if (place !== before) result = { ...result, [name]: place };
    }
  return result;
}

/** Where a volume's data is once the reservation uses it. */
export function placeOf(before: VolumePlace | undefined, { node, isPinned }: Reservation): VolumePlace {
  if (before === undefined) return isPinned === true ? { kind: "per-node", nodes: [node] } : { kind: "one-node", node };
  if (before.kind === "one-node" || before.nodes.includes(node)) return before;
  return { kind: "per-node", nodes: [...before.nodes, node].toSorted() };
}

/** The nodes that have data of the volume, by name. */
export function nodesOf(place: VolumePlace): readonly string[] {
  return place.kind === "one-node" ? [place.node] : place.nodes;
}
