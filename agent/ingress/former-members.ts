import type { IngressTable, PoolMember } from "../../actors/ingress/contract.ts";
import { type AssignmentNumber, compareAssignments } from "../assignment-order.ts";
import { canonicalAddress, type ListedSocket } from "./proc-net.ts";

/** A replica that a table took out of all pools, and that may still have connections. */
export interface FormerMember extends PoolMember {
  /** The table that took it out. */
  readonly epoch: number;
  readonly number: number;
}

/** More are forgotten, the oldest first: whoever withdraws a replica has a deadline of its own. */
const MAX_FORMER_MEMBERS = 4_000;

/** After a newer table: who is in no pool any more. One that came back is none. */
export function formerMembers(
  known: readonly FormerMember[],
  before: IngressTable | undefined,
  table: IngressTable,
): readonly FormerMember[] {
  const present = new Set(table.pools.flatMap(({ members }) => members.map(({ placementId }) => placementId)));
  const all = new Map(known.map((member) => [keyOf(member), member]));
  const { epoch, number } = table;
  for (const member of before?.pools.flatMap(({ members }) => members) ?? []) {
    if (!all.has(keyOf(member))) all.set(keyOf(member), { ...member, epoch, number });
  }
  return [...all.values()].filter(({ placementId }) => !present.has(placementId)).slice(-MAX_FORMER_MEMBERS);
}

/** Connections that this node still has to each of them. */
export function countConnections(members: readonly FormerMember[], sockets: readonly ListedSocket[]): ReadonlyMap<string, number> {
  const placements = new Map(members.map((member) => [`${canonicalAddress(member.address)} ${member.port}`, member.placementId]));
  const counts = new Map<string, number>();
  for (const { state, remoteAddress, remotePort } of sockets) {
    const placementId = state === "open" ? placements.get(`${remoteAddress} ${remotePort}`) : undefined;
    if (placementId !== undefined) counts.set(placementId, (counts.get(placementId) ?? 0) + 1);
  }
  return counts;
}

/** Nobody has to be counted any more who has no connection under a table that does not know them. */
export function stillDraining(
  members: readonly FormerMember[],
  counts: ReadonlyMap<string, number>,
  serving: AssignmentNumber,
): readonly FormerMember[] {
  return members.filter((member) => counts.has(member.placementId) || compareAssignments(serving, member) < 0);
}

function keyOf({ placementId, address, port }: PoolMember): string {
  return `${placementId} ${address} ${port}`;
}
