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

  constructor(state: SchedulerState) {
    const rooms = Object.values(state.nodes)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(emptyRoom);
    this.rooms = rooms;
    this.#byName = new Map(rooms.map((room) => [room.node.name, room]));
    for (const reservation of Object.values(state.reservations)) this.book(reservation);
  }

  book({ node, placementId, deployment, cpuMillis, memoryBytes, hostPorts }: Reservation): void {
    const room = this.#byName.get(node);
    if (room === undefined) return;
    for (const { port, protocol } of hostPorts) room.ports.set(`${port}/${protocol}`, placementId);
    room.cpuFreeMillis -= cpuMillis;
    room.memoryFreeBytes -= memoryBytes;
    room.replicas += 1;
    room.replicasOf.set(deployment, (room.replicasOf.get(deployment) ?? 0) + 1);
  }

  /** Takes back what was booked. */
  release({ node, deployment, cpuMillis, memoryBytes, hostPorts }: Reservation): void {
    const room = this.#byName.get(node);
    if (room === undefined) return;
    for (const { port, protocol } of hostPorts) room.ports.delete(`${port}/${protocol}`);
    room.cpuFreeMillis += cpuMillis;
    room.memoryFreeBytes += memoryBytes;
    room.replicas -= 1;
    room.replicasOf.set(deployment, (room.replicasOf.get(deployment) ?? 1) - 1);
  }
}

function emptyRoom(node: SchedulerNode): OpenRoom {
  return { node, cpuFreeMillis: node.cpuMillis, memoryFreeBytes: node.memoryBytes, ports: new Map(), replicas: 0, replicasOf: new Map() };
}
