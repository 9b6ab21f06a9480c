import type { IngressCommand, PoolTarget } from "../ingress/commands.ts";
import type { DeploymentEvent } from "./events.ts";
import { frontendsOf, targetsOf } from "./frontends.ts";
import { templateOf } from "./replica.ts";
import type { DeploymentState, PlacementRecord } from "./state.ts";

/** What the ingress must hear about a decision: the difference between what it was told before and what is so now. */
export function ingressMessages(
  events: readonly DeploymentEvent[],
  before: DeploymentState,
  after: DeploymentState,
): readonly IngressCommand[] {
  if (events.length === 0) return [];
  const deployment = after.name;
  const withdrawn = events.flatMap((event) => (event.type === "placements.withdrawal-requested" ? event.placementIds : []));
  const { entered, left } = moves(before, after, new Set(withdrawn));
  const messages: IngressCommand[] = [];
  const frontends = frontendsOf(after);
  if (JSON.stringify(frontendsOf(before)) !== JSON.stringify(frontends)) messages.push({ kind: "serve", deployment, frontends });
  if (entered.length > 0) messages.push({ kind: "enter", deployment, members: entered });
  if (left.length > 0) messages.push({ kind: "leave", placementIds: left });
  if (withdrawn.length > 0) messages.push({ kind: "withdraw", deployment, placements: withdrawn.map((id) => drained(before, after, id)) });
  return messages;
}

function moves(
  before: DeploymentState,
  after: DeploymentState,
  withdrawn: ReadonlySet<string>,
): {
  readonly entered: readonly { readonly placementId: string; readonly node: string; readonly targets: readonly PoolTarget[] }[];
  readonly left: readonly string[];
} {
  const [entered, left]: [{ placementId: string; node: string; targets: readonly PoolTarget[] }[], string[]] = [[], []];
  for (const placementId of new Set([...Object.keys(before.placements), ...Object.keys(after.placements)])) {
    const [old, now] = [before.placements[placementId], after.placements[placementId]];
    if (old === now) continue;
    const [was, is] = [targetsOf(before, old), targetsOf(after, now)];
    if (is !== undefined && JSON.stringify(was) !== JSON.stringify(is)) entered.push({ placementId, node: nodeOf(now), targets: is });
    if (was !== undefined && is === undefined && !withdrawn.has(placementId)) left.push(placementId);
  }
  return { entered, left };
}

function nodeOf(placement: PlacementRecord | undefined): string {
  return placement?.stage.stage === "assigned" ? placement.stage.node : "";
}

function drained(before: DeploymentState, after: DeploymentState, placementId: string): { placementId: string; drainMs: number } {
  const state = placementId in after.placements ? after : before;
  const content = state.placements[placementId]?.contentOf ?? 0;
  return { placementId, drainMs: templateOf(state, content).drainMs };
}
