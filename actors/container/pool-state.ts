import type { OperationContext } from "../catalogue.ts";
import { drainingWords, poolState, readIngress, readMembers } from "../ingress/reads.ts";
import type { PoolState } from "../ingress/views.ts";
import type { ContainerView } from "../views.ts";

/** How replicas stand to the pools, by placement; of one deployment, or of all. */
export async function readPools(context: OperationContext, deployment: string | undefined): Promise<ReadonlyMap<string, PoolState>> {
  const [now, members] = await Promise.all([readIngress(context), readMembers(context, deployment)]);
  return new Map([...members].map(([placementId, { row }]) => [placementId, poolState(row, now, placementId)]));
}

export function withPool(view: ContainerView, pools: ReadonlyMap<string, PoolState>): ContainerView {
  const pool = pools.get(view.id);
  if (pool === undefined) return view;
  const isExplained = pool.phase === "draining" && view.phase === "draining" && view.reason === "";
  return { ...view, pool, ...(isExplained ? { reason: drainingWords(pool) } : {}) };
}
