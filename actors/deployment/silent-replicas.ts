import type { OperationContext } from "../catalogue.ts";
import { readNodes } from "../node/node-reads.ts";
import { isHeard } from "../node/status.ts";
import { awaitedWords } from "./awaited-replicas.ts";
import { ContainerView, DeploymentView } from "../views.ts";

/** Replicas of one node looked at; a node holds no more. */
const MAX_REPLICAS_PER_NODE = 1_000;

/**
 * Healthy replicas, per deployment, on nodes that are silent: the deployment counts them until the node is lost or speaks again, but nobody knows.
 * Empty, and cheap, while every node is heard.
 */
export async function silentReplicas(context: OperationContext): Promise<ReadonlyMap<string, number>> {
  const nodes = await readNodes(context);
  const counts = new Map<string, number>();
  for (const { view } of nodes.values()) {
    if (isHeard(view.status)) continue;
    const { items } = await context.reads.rows({
      kind: "container",
      where: { node: view.name, health: "healthy" },
      limit: MAX_REPLICAS_PER_NODE,
    });
    for (const row of items) {
      const { deployment, phase } = ContainerView.parse(row.body);
      if (phase === "running") counts.set(deployment, (counts.get(deployment) ?? 0) + 1);
    }
  }
  return counts;
}

/** A deployment with replicas nobody knows about does not count them as healthy, and says which it waits for. */
export function withSilence(body: unknown, silent: ReadonlyMap<string, number>, nowMs: number): DeploymentView {
  const row = DeploymentView.parse(body);
  const view = { ...row, reason: `${row.reason}${awaitedWords(row, nowMs)}` };
  const unknown = silent.get(view.name) ?? 0;
  if (unknown === 0) return view;
  return {
    ...view,
    status: view.status === "running" ? "degraded" : view.status,
    healthyReplicas: Math.max(0, view.healthyReplicas - unknown),
    reason: `${view.reason}; of these ${unknown} on silent nodes, hence unknown`,
  };
}
