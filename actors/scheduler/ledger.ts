import type { Reservation, SchedulerState } from "./state.ts";
import type { SchedulerNode } from "./contract.ts";

/** What is free on a node while a decision is being made. */
export interface Room {
  readonly node: SchedulerNode;
  readonly cpuFreeMillis: number;
  readonly memoryFreeBytes: number;
  /** `8080/tcp` -> placement that holds it. */
  readonly ports: ReadonlyMap<string, string>;
  readonly replicas: number;
  readonly replicasOf: ReadonlyMap<string, number>;
  readonly whereabouts: Whereabouts;
}

/** What decides about all nodes at once: the same for every room. */
export interface Whereabouts {
  /** Volume -> the node its data is on. */
  readonly volumes: ReadonlyMap<string, string>;
  /** Group -> the nodes its members are on, and how many. One that is leaving its node, or is lost with it, holds nobody there. */
  readonly groups: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

interface OpenWhereabouts extends Whereabouts {
  readonly volumes: Map<string, string>;
  readonly groups: Map<string, Map<string, number>>;
}

/** The ledger alone writes in a room, and it lives no longer than the decision it was made for. */
interface OpenRoom extends Room {
  cpuFreeMillis: number;
  memoryFreeBytes: number;
  readonly ports: Map<string, string>;
  replicas: number;
  readonly replicasOf: Map<string, number>;
}

/** Rooms of all nodes, brought up to date with every reservation as it is made, so that nothing is booked twice within one decision either. */
export class Ledger {
  /** By name. */
  readonly rooms: readonly Room[];
  readonly #byName: ReadonlyMap<string, OpenRoom>;
  readonly #whereabouts: OpenWhereabouts;

  constructor(state: SchedulerState) {
    this.#whereabouts = { volumes: new Map(Object.entries(state.volumes)), groups: new Map() };
    const rooms = Object.values(state.nodes)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((node) => emptyRoom(node, this.#whereabouts));
    this.rooms = rooms;
    this.#byName = new Map(rooms.map((room) => [room.node.name, room]));
    for (const reservation of Object.values(state.reservations)) this.book(reservation);
  }

  book({ node, placementId, deployment, cpuMillis, memoryBytes, hostPorts, volumes = [], together }: Reservation): void {
    for (const name of volumes) if (!this.#whereabouts.volumes.has(name)) this.#whereabouts.volumes.set(name, node);
    const room = this.#byName.get(node);
    if (room === undefined) return;
    for (const { port, protocol } of hostPorts) room.ports.set(`${port}/${protocol}`, placementId);
    room.cpuFreeMillis -= cpuMillis;
    room.memoryFreeBytes -= memoryBytes;
    room.replicas += 1;
    room.replicasOf.set(deployment, (room.replicasOf.get(deployment) ?? 0) + 1);
    if (together !== undefined) this.#count(together, room.node, 1);
  }

  /** Takes back what was booked. */
  release({ node, deployment, cpuMillis, memoryBytes, hostPorts, together }: Reservation): void {
    const room = this.#byName.get(node);
    if (room === undefined) return;
    for (const { port, protocol } of hostPorts) room.ports.delete(`${port}/${protocol}`);
    room.cpuFreeMillis += cpuMillis;
    room.memoryFreeBytes += memoryBytes;
    room.replicas -= 1;
    room.replicasOf.set(deployment, (room.replicasOf.get(deployment) ?? 1) - 1);
    if (together !== undefined) this.#count(together, room.node, -1);
  }

  #count(group: string, { name, readiness }: SchedulerNode, change: 1 | -1): void {
    if (readiness === "draining" || readiness === "unreachable") return;
    const { groups } = this.#whereabouts;
    const nodes = groups.get(group) ?? new Map<string, number>();
    const members = (nodes.get(name) ?? 0) + change;
    if (members > 0) nodes.set(name, members);
    else nodes.delete(name);
    if (nodes.size > 0) groups.set(group, nodes);
    else groups.delete(group);
  }
}

function emptyRoom(node: SchedulerNode, whereabouts: Whereabouts): OpenRoom {
  const { cpuMillis, memoryBytes } = node;
  return {
    node,
    cpuFreeMillis: cpuMillis,
    memoryFreeBytes: memoryBytes,
    ports: new Map(),
    replicas: 0,
    replicasOf: new Map(),
    whereabouts,
  };
}
