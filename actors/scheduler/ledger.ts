import { MAX_PLACEMENTS_PER_NODE } from "../node/assignment-contract.ts";
import { homesOf, isHabitable } from "./groups.ts";
import { placeOf, type Pending, type Reservation, type SchedulerState, type VolumePlace } from "./state.ts";
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
  /** Deployment -> its slots that have a replica here, with how many. */
  readonly slotsOf: ReadonlyMap<string, ReadonlyMap<number, number>>;
  readonly whereabouts: Whereabouts;
}

/** What decides about all nodes at once: the same for every room. */
export interface Whereabouts {
  /** Volume -> where its data is. */
  readonly volumes: ReadonlyMap<string, VolumePlace>;
  /** Group -> the node its next placement goes to. Absent: any. */
  readonly homes: ReadonlyMap<string, string>;
}

interface OpenWhereabouts extends Whereabouts {
  readonly volumes: Map<string, VolumePlace>;
  readonly homes: Map<string, string>;
}

/** The ledger alone writes in a room, and it lives no longer than the decision it was made for. */
interface OpenRoom extends Room {
  cpuFreeMillis: number;
  memoryFreeBytes: number;
  readonly ports: Map<string, string>;
  replicas: number;
  readonly replicasOf: Map<string, number>;
  readonly slotsOf: Map<string, Map<number, number>>;
}

/** Rooms of all nodes, brought up to date with every reservation as it is made, so that nothing is booked twice within one decision either. */
export class Ledger {
  /** By name. */
  readonly rooms: readonly Room[];
  readonly #byName: ReadonlyMap<string, OpenRoom>;
  readonly #whereabouts: OpenWhereabouts;
  /** Placements of each group. */
  readonly #members = new Map<string, number>();

  /** `waiting` are those that will be asked for a place. */
  constructor(state: Pick<SchedulerState, "nodes" | "volumes" | "reservations">, waiting: readonly Pending[]) {
    const { nodes, volumes, reservations } = state;
    this.#whereabouts = {
      volumes: new Map(Object.entries(volumes)),
      homes: new Map(homesOf({ nodes, volumes, reservations, waiting })),
    };
    const rooms = Object.values(state.nodes)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((node) => emptyRoom(node, this.#whereabouts));
    this.rooms = rooms;
    this.#byName = new Map(rooms.map((room) => [room.node.name, room]));
    for (const reservation of reservations) this.book(reservation);
  }

  book(reservation: Reservation): void {
    const { node, placementId, deployment, slot, cpuMillis, memoryBytes, hostPorts, volumes = [], together } = reservation;
    const places = this.#whereabouts.volumes;
    for (const name of volumes) places.set(name, placeOf(places.get(name), reservation));
    const room = this.#byName.get(node);
    if (room === undefined) return;
    for (const { port, protocol } of hostPorts) room.ports.set(`${port}/${protocol}`, placementId);
    room.cpuFreeMillis -= cpuMillis;
    room.memoryFreeBytes -= memoryBytes;
    room.replicas += 1;
    room.replicasOf.set(deployment, (room.replicasOf.get(deployment) ?? 0) + 1);
    const slots = room.slotsOf.get(deployment) ?? new Map<number, number>();
    room.slotsOf.set(deployment, slots.set(slot, (slots.get(slot) ?? 0) + 1));
    if (together === undefined) return;
    this.#members.set(together, (this.#members.get(together) ?? 0) + 1);
    if (!this.#whereabouts.homes.has(together) && isHabitable(room.node)) this.#whereabouts.homes.set(together, node);
  }

  /** Whether the node could take what is reserved on another. */
  hasRoomFor({ cpuMillis, memoryBytes, hostPorts }: Reservation, node: string): boolean {
    const room = this.#byName.get(node);
    if (room === undefined || room.cpuFreeMillis < cpuMillis || room.memoryFreeBytes < memoryBytes) return false;
    if (room.replicas >= MAX_PLACEMENTS_PER_NODE) return false;
    return hostPorts.every(({ port, protocol }) => !room.ports.has(`${port}/${protocol}`));
  }

  /** Takes back what was booked. */
  release({ node, deployment, slot, cpuMillis, memoryBytes, hostPorts, together }: Reservation): void {
    const room = this.#byName.get(node);
    if (room === undefined) return;
    for (const { port, protocol } of hostPorts) room.ports.delete(`${port}/${protocol}`);
    room.cpuFreeMillis += cpuMillis;
    room.memoryFreeBytes += memoryBytes;
    room.replicas -= 1;
    room.replicasOf.set(deployment, (room.replicasOf.get(deployment) ?? 1) - 1);
    const slots = room.slotsOf.get(deployment);
    const others = (slots?.get(slot) ?? 1) - 1;
    if (others === 0) slots?.delete(slot);
    else slots?.set(slot, others);
    if (together === undefined) return;
    const left = (this.#members.get(together) ?? 1) - 1;
    this.#members.set(together, left);
    if (left === 0) this.#whereabouts.homes.delete(together);
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
    slotsOf: new Map(),
    whereabouts,
  };
}
