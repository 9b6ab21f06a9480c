import type { PlacementRequest, Rejection, Requirements, SchedulerNode } from "./contract.ts";

/** Resources set aside on a node, from the moment of the decision until the container has really stopped or the node is removed. */
export interface Reservation {
  readonly placementId: string;
  readonly deployment: string;
  readonly node: string;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly hostPorts: Requirements["hostPorts"];
  readonly volumes?: readonly string[];
  readonly together?: string;
}

export interface Pending {
  readonly deployment: string;
  readonly request: PlacementRequest;
  readonly rejections: readonly Rejection[];
}

export interface SchedulerState {
  readonly nodes: Readonly<Record<string, SchedulerNode>>;
  readonly reservations: Readonly<Record<string, Reservation>>;
  /** In the order they were asked for. */
  readonly pending: readonly Pending[];
  /** On which node the data of a volume is: where the first replica that used it was placed. It stays there when nobody uses it. */
  readonly volumes: Readonly<Record<string, string>>;
}

export type SchedulerEvent =
  | { readonly type: "node.changed"; readonly node: SchedulerNode }
  | { readonly type: "node.removed"; readonly name: string }
  | { readonly type: "placements.reserved"; readonly reservations: readonly Reservation[] }
  | { readonly type: "placements.pended"; readonly pending: readonly Pending[] }
  | { readonly type: "volume.forgotten"; readonly name: string }
  | { readonly type: "placements.released"; readonly placementIds: readonly string[] };

export const noNodes: SchedulerState = { nodes: {}, reservations: {}, pending: [], volumes: {} };

export function evolve(state: SchedulerState, event: SchedulerEvent): SchedulerState {
  switch (event.type) {
    case "node.changed":
      return { ...state, nodes: { ...state.nodes, [event.node.name]: event.node } };
    case "node.removed": {
      const { [event.name]: _removed, ...nodes } = state.nodes;
      const kept = Object.entries(state.reservations).filter(([, { node }]) => node !== event.name);
      // The places of volumes stay: their data is nowhere else, and who uses them must not begin anew beside it unnoticed.
      return { ...state, nodes, reservations: Object.fromEntries(kept) };
    }
    case "placements.reserved": {
      const placed = new Set(event.reservations.map(({ placementId }) => placementId));
      const reservations = { ...state.reservations };
      for (const reservation of event.reservations) reservations[reservation.placementId] = reservation;
      const pending = state.pending.filter(({ request }) => !placed.has(request.placementId));
      return { ...state, reservations, pending, volumes: withVolumes(state, event.reservations) };
    }
    case "placements.pended": {
      const changed = new Map(event.pending.map((item) => [item.request.placementId, item]));
      const kept = state.pending.map((item) => changed.get(item.request.placementId) ?? item);
      const known = new Set(kept.map(({ request }) => request.placementId));
      return { ...state, pending: [...kept, ...event.pending.filter(({ request }) => !known.has(request.placementId))] };
    }
    case "volume.forgotten": {
      const { [event.name]: _forgotten, ...volumes } = state.volumes;
      return { ...state, volumes };
    }
    case "placements.released": {
      const released = new Set(event.placementIds);
      const reservations = { ...state.reservations };
      for (const placementId of event.placementIds) delete reservations[placementId];
      return { ...state, reservations, pending: state.pending.filter(({ request }) => !released.has(request.placementId)) };
    }
  }
}

function withVolumes({ volumes }: SchedulerState, reservations: readonly Reservation[]): SchedulerState["volumes"] {
  const placed = reservations.flatMap(({ node, volumes: used = [] }) => used.map((name) => [name, node] as const));
  const isKnown = placed.every(([name]) => Object.hasOwn(volumes, name));
  return isKnown ? volumes : { ...Object.fromEntries(placed.toReversed()), ...volumes };
}
