import type { PinnedImage } from "../deployment/contract.ts";
import type { Availability } from "./contract.ts";
import type { Placement } from "./assignment-contract.ts";
import type { NodeFacts } from "./observed-contract.ts";

export interface NodeState {
  readonly name: string;
  /** Undefined until an agent has joined under this name. */
  readonly facts: NodeFacts | undefined;
  readonly availability: Availability;
  readonly connection: "joined" | "lost";
  readonly connectionSinceMs: number;
  readonly engine: "reachable" | "unreachable";
  /** Number of the newest assignment. */
  readonly assignment: number;
  readonly placements: Readonly<Record<string, Placement>>;
  readonly prefetch: readonly PinnedImage[];
}

export type NodeEvent =
  | { readonly type: "node.joined"; readonly facts: NodeFacts; readonly engine: "reachable" | "unreachable" }
  /** `decides: "deployments"`: what becomes of its placements is for their deployments to say. Absent: all are to stop. */
  | { readonly type: "node.lost"; readonly reason: string; readonly decides?: "deployments" }
  | { readonly type: "engine.reported"; readonly engine: "reachable" | "unreachable" }
  | { readonly type: "node.cordoned" }
  | { readonly type: "node.uncordoned" }
  | { readonly type: "node.drain-started" }
  | { readonly type: "node.drained" }
  /** Forgotten. An agent that speaks under this name again joins as a new node. */
  | { readonly type: "node.removed" }
  | { readonly type: "placements.added"; readonly placements: readonly Placement[] }
  /** Asked for while the node was lost: their deployments were told so. */
  | { readonly type: "placements.refused"; readonly placementIds: readonly string[] }
  | { readonly type: "placements.stop-requested"; readonly placementIds: readonly string[] }
  | { readonly type: "placements.removed"; readonly placementIds: readonly string[] }
  | { readonly type: "prefetch.requested"; readonly image: PinnedImage };

/** Images wanted soon; the oldest wish is forgotten first. */
const MAX_PREFETCH = 20;

export function initialState(name: string): NodeState {
  return {
    name,
    facts: undefined,
    availability: "active",
    connection: "lost",
    connectionSinceMs: 0,
    engine: "unreachable",
    assignment: 0,
    placements: {},
    prefetch: [],
  };
}

export function evolve(state: NodeState, event: NodeEvent, atMs: number): NodeState {
  switch (event.type) {
    case "node.joined": {
      const connectionSinceMs = state.connection === "joined" ? state.connectionSinceMs : atMs;
      return { ...state, facts: event.facts, engine: event.engine, connection: "joined", connectionSinceMs };
    }
    case "node.lost": {
      const lost: NodeState = { ...state, connection: "lost", connectionSinceMs: atMs };
      if (event.decides === "deployments") return lost;
      return numbered({ ...lost, placements: stopped(state.placements, Object.keys(state.placements)) });
    }
    case "engine.reported":
      return { ...state, engine: event.engine };
    case "node.cordoned":
      return { ...state, availability: "cordoned" };
    case "node.uncordoned":
      return { ...state, availability: "active" };
    case "node.drain-started":
      return { ...state, availability: "draining" };
    case "node.drained":
      return { ...state, availability: "drained" };
    case "node.removed":
      // Numbers go on: an agent that comes back must take the empty assignment for newer than its own, and stop what it still runs.
      return numbered({ ...initialState(state.name), assignment: state.assignment });
    case "placements.added":
      return numbered({
        ...state,
        prefetch: withoutArrived(state.prefetch, event.placements),
        placements: { ...state.placements, ...Object.fromEntries(event.placements.map((placement) => [placement.placementId, placement])) },
      });
    case "placements.refused":
      return state;
    case "placements.stop-requested":
      return numbered({ ...state, placements: stopped(state.placements, event.placementIds) });
    case "placements.removed": {
      const gone = new Set(event.placementIds);
      return numbered({
        ...state,
        placements: Object.fromEntries(Object.entries(state.placements).filter(([placementId]) => !gone.has(placementId))),
      });
    }
    case "prefetch.requested":
      return numbered({
        ...state,
        prefetch: [...state.prefetch.filter(({ digest }) => digest !== event.image.digest), event.image].slice(-MAX_PREFETCH),
      });
  }
}

/** Whoever was waited for is here and fetches its image itself: the wish is fulfilled, and must not bring back an image that somebody removes later. */
function withoutArrived(wishes: NodeState["prefetch"], placements: readonly Placement[]): NodeState["prefetch"] {
  const arrived = new Set(placements.map(({ template }) => template.image.digest));
  return wishes.some(({ digest }) => arrived.has(digest)) ? wishes.filter(({ digest }) => !arrived.has(digest)) : wishes;
}

function numbered(state: NodeState): NodeState {
  return { ...state, assignment: state.assignment + 1 };
}

function stopped(placements: NodeState["placements"], placementIds: readonly string[]): NodeState["placements"] {
  const result = { ...placements };
  for (const placementId of placementIds) {
    const placement = result[placementId];
    if (placement !== undefined) result[placementId] = { ...placement, desired: "stopped" };
  }
  return result;
}
