import type { SchedulerNode } from "./contract.ts";
import type { Pending, Reservation, SchedulerState, VolumePlace } from "./state.ts";

/** What is at some place, and what waits for one. */
export interface Occupation {
  readonly nodes: SchedulerState["nodes"];
  readonly volumes: SchedulerState["volumes"];
  /** In the order they were made. */
  readonly reservations: readonly Reservation[];
  readonly waiting: readonly Pending[];
}

/** A node that all are leaving, or that is lost, is nobody's home. */
export function isHabitable(node: SchedulerNode | undefined): boolean {
  return node !== undefined && node.readiness !== "draining" && node.readiness !== "unreachable";
}

/**
 * Where each group is at home, that is where its next placement goes: where the data is that one of them uses, which cannot move; else where the newest of
 * them is, for those of a node that was lost or drained may still be there.
 */
export function homesOf({ nodes, volumes, reservations, waiting }: Occupation): ReadonlyMap<string, string> {
  const homes = new Map<string, string>();
  const settle = (group: string | undefined, node: string | undefined): void => {
    if (group !== undefined && node !== undefined && isHabitable(nodes[node])) homes.set(group, node);
  };
  for (const { together, node } of reservations) settle(together, node);
  for (const { together, volumes: used = [] } of [...reservations, ...waiting.map(({ request }) => request.requirements)])
    if (together !== undefined) for (const name of used) settle(together, homeOf(volumes[name]));
  return homes;
}

export interface Stray extends Reservation {
  readonly together: string;
  readonly home: string;
}

/** Those of a group that are not at its home and could be. Whose own data is elsewhere stays with it. */
export function straysOf(occupation: Occupation): readonly Stray[] {
  const { nodes, reservations } = occupation;
  if (reservations.every(({ together }) => together === undefined)) return [];
  const homes = homesOf(occupation);
  return reservations.flatMap((reservation): readonly Stray[] => {
    const { together, node, volumes = [] } = reservation;
    const home = together === undefined ? undefined : homes.get(together);
    if (together === undefined || home === undefined || home === node) return [];
    const canMove = nodes[home]?.readiness === "ready" && isHabitable(nodes[node]) && volumes.length === 0;
    return canMove ? [{ ...reservation, together, home }] : [];
  });
}

/** The one node its data is on. Undefined: there is none such. */
function homeOf(place: VolumePlace | undefined): string | undefined {
  return place?.kind === "one-node" ? place.node : undefined;
}
