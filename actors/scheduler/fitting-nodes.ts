import type { Outgoing } from "../../runtime/actor.ts";
import { addressOf } from "../../runtime/address.ts";
import type { FittingNodes, SchedulerAnswer } from "./contract.ts";
import { nodeFilters, type Wanted } from "./filters.ts";
import { Ledger } from "./ledger.ts";
import { rejectionsOf } from "./place.ts";
import type { Follower, SchedulerState } from "./state.ts";

/** The nodes that are what a deployment wants of a node; whether there is room on them, each replica is told when it is asked for. */
export function fittingNodes({ nodes }: Pick<SchedulerState, "nodes">, deployment: string, { requirements }: Follower): FittingNodes {
  const { rooms } = new Ledger({ nodes, volumes: {}, reservations: [] }, []);
  const wanted: Wanted = { ...requirements, deployment };
  const fit = rooms.filter((room) => nodeFilters.every((filter) => filter.accepts(room, wanted)));
  return {
    nodes: fit.map(({ node: { name, readiness, reason } }) => ({ name, readiness, reason })),
    rejections: rejectionsOf(nodeFilters, rooms, wanted),
  };
}

/** What deployments that follow the nodes must hear: the difference between two states, so that no change can be decided and not be told. */
export function listMessages(tenant: string, before: SchedulerState, after: SchedulerState): readonly Outgoing[] {
  if (before.nodes === after.nodes && before.followers === after.followers) return [];
  return Object.entries(after.followers).flatMap(([deployment, follower]) => {
    const list = fittingNodes(after, deployment, follower);
    const was = before.followers[deployment];
    if (was === follower && JSON.stringify(fittingNodes(before, deployment, was)) === JSON.stringify(list)) return [];
    const message: SchedulerAnswer = { kind: "nodes-fit", revision: follower.revision, number: after.listing, ...list };
    return [{ to: addressOf(tenant, "deployment", deployment), message }];
  });
}
