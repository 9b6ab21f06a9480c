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

/** Rooms of all nodes, brought up to date with every reservation as it is made, so that nothing is booked twice within one decision either. */
export class Ledger {
  readonly #rooms = new Map<string, Room>();

  constructor(state: SchedulerState) {
    const byName = Object.values(state.nodes).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    for (const node of byName) {
      this.#rooms.set(node.name, {
        node,
        cpuFreeMillis: node.cpuMillis,
        memoryFreeBytes: node.memoryBytes,
        ports: new Map(),
        replicas: 0,
        replicasOf: new Map(),
      });
    }
    for (const reservation of Object.values(state.reservations)) this.book(reservation);
  }

  rooms(): readonly Room[] {
    return [...this.#rooms.values()];
  }

  book(reservation: Reservation): void {
    const room = this.#rooms.get(reservation.node);
    if (room === undefined) return;
    const ports = new Map(room.ports);
    for (const { port, protocol } of reservation.hostPorts) ports.set(`${port}/${protocol}`, reservation.placementId);
    this.#rooms.set(reservation.node, {
      ...room,
      cpuFreeMillis: room.cpuFreeMillis - reservation.cpuMillis,
      memoryFreeBytes: room.memoryFreeBytes - reservation.memoryBytes,
      ports,
      replicas: room.replicas + 1,
      replicasOf: new Map(room.replicasOf).set(reservation.deployment, (room.replicasOf.get(reservation.deployment) ?? 0) + 1),
    });
  }
}
