import { addressOf, type Address } from "../../runtime/address.ts";
import type { Outgoing } from "../../runtime/actor.ts";
import { demandsOf } from "../node/allowance-contract.ts";
import type { IngressCommand } from "../ingress/commands.ts";
import type { Placement } from "../node/assignment-contract.ts";
import type { NodeCommand } from "../node/messages.ts";
import type { PlacementRequest, Requirements, SchedulerCommand } from "../scheduler/contract.ts";
import { isAlone } from "./budget.ts";
import type { PinnedTemplate } from "./contract.ts";
import type { DeploymentEvent } from "./events.ts";
import { hostPortsOf } from "./frontends.ts";
import { isGlobal } from "./global.ts";
import { ingressMessages } from "./ingress-messages.ts";
import { keptVolumes } from "./mount-contract.ts";
import { contentOf, holderOf, isActive, revisionOf, templateOf } from "./replica.ts";
import { awaitsIngress } from "./sparing.ts";
import { standingMessages } from "./standing.ts";
import type { DeploymentState, Platform } from "./state.ts";

/** What the rest of the tenant must hear about a decision. Derived from its events, so that no event can be decided and not be carried out. */
export function messagesOf(
  tenant: string,
  events: readonly DeploymentEvent[],
  before: DeploymentState,
  after: DeploymentState,
): readonly Outgoing[] {
  const scheduler = addressOf(tenant, "scheduler");
  const ingress = ingressMessages(events, before, after).map((message): Outgoing => ({ to: addressOf(tenant, "ingress"), message }));
  const toScheduler = (message: SchedulerCommand): Outgoing => ({ to: scheduler, message });
  const deployment = after.name;
  const toOthers = events.flatMap((event): readonly Outgoing[] => {
    switch (event.type) {
      case "placements.requested":
        return [toScheduler({ kind: "place", deployment, requests: event.placements.map((item) => requestOf(after, item)) })];
      case "placements.assigned":
        return byNode(tenant, event.placements, (items) => ({
          kind: "assign",
          placements: items.flatMap(({ placementId }) => placementOf(after, placementId) ?? []),
        }));
      case "placements.stop-requested":
        return toStop(tenant, located(before, after, event.placementIds));
      case "placements.ended":
        if (event.because === "never-placed") return [toScheduler({ kind: "release", placementIds: event.placementIds })];
        return event.because === "lost" ? toStop(tenant, located(before, after, event.placementIds)) : [];
      case "rollout.started":
        return [...prefetches(tenant, before, after), ...confirmations(tenant, after)];
      default:
        return [];
    }
  });
  return [...followed(before, after).map(toScheduler), ...ingress, ...toOthers, ...standingMessages(tenant, before, after)];
}

/** Which nodes it must be told of, when that has changed. */
function followed(before: DeploymentState, after: DeploymentState): readonly SchedulerCommand[] {
  const [was, is] = [followedFor(before), followedFor(after)];
  if (was === is) return [];
  const deployment = after.name;
  if (is === undefined) return [{ kind: "unfollow-nodes", deployment }];
  const content = contentOf(after, is);
  const requirements = requirementsOf(templateOf(after, content), platformsOf(after, content));
  return [{ kind: "follow-nodes", deployment, revision: is, requirements }];
}

/** The revision whose nodes it follows; undefined: none. */
function followedFor(state: DeploymentState): number | undefined {
  const isThere = state.mode === "running" || state.mode === "stopped";
  return isThere && isGlobal(state) ? state.revision : undefined;
}

function requestOf(
  state: DeploymentState,
  { placementId, slot, contentOf: content }: { readonly placementId: string; readonly slot: number; readonly contentOf: number },
): PlacementRequest {
  const template = templateOf(state, content);
  const requirements = requirementsOf(template, platformsOf(state, content));
  const { avoid = [], node } = state.slots[slot] ?? {};
  return {
    placementId,
    slot,
    avoid,
    requirements,
    ...(node !== undefined && { node }),
    // Two of them would be in each other's way: one that is still stopping is waited for.
    ...((node !== undefined || isAlone(template)) && { beside: besides(state, slot, placementId) }),
  };
}

/** Replicas that stay until the new one has proved itself. */
function besides({ placements }: DeploymentState, slot: number, placementId: string): number {
  return Object.values(placements).filter((other) => other.slot === slot && other.placementId !== placementId && isActive(other)).length;
}

/** What a replica of the template needs of a node. */
export function requirementsOf(template: PinnedTemplate, platforms: readonly Platform[]): Requirements {
  const { resources, constraints, mode, maxReplicasPerNode } = template;
  const maxPerNode = mode === "global" ? 1 : maxReplicasPerNode;
  return {
    cpuReservedMillis: resources.cpuReservedMillis,
    memoryReservedBytes: resources.memoryReservedBytes,
    hostPorts: hostPortsOf(template),
    constraints,
    platforms,
    demands: demandsOf(template),
    volumes: keptVolumes(template.mounts),
    ...(template.together !== undefined && { together: template.together }),
    ...(maxPerNode > 0 && { maxPerNode }),
  };
}

function platformsOf(state: DeploymentState, content: number): readonly Platform[] {
  return holderOf(state, content)?.platforms ?? [];
}

/** What the node is given; undefined when the placement ended within the same decision. */
function placementOf(state: DeploymentState, placementId: string): Placement | undefined {
  const record = state.placements[placementId];
  if (record === undefined) return undefined;
  const { slot, contentOf: content, desired } = record;
  const stays = desired === "stopped" ? "stopped" : "running";
  // It has been settled by how the image is pinned; an agent that does not know the field does as it should.
  const { pull: _pull, ...template } = templateOf(state, content);
  return { placementId, deployment: state.name, slot, revision: content, template, desired: stays };
}

interface Located {
  readonly placementId: string;
  readonly node: string;
}

function located(before: DeploymentState, after: DeploymentState, placementIds: readonly string[]): readonly Located[] {
  return placementIds.flatMap((placementId) => {
    const stage = (after.placements[placementId] ?? before.placements[placementId])?.stage;
    return stage?.stage === "assigned" ? [{ placementId, node: stage.node }] : [];
  });
}

function toStop(tenant: string, items: readonly Located[]): readonly Outgoing[] {
  return byNode(tenant, items, (group) => ({ kind: "stop", placementIds: group.map(({ placementId }) => placementId) }));
}

function byNode(tenant: string, items: readonly Located[], message: (items: readonly Located[]) => NodeCommand): readonly Outgoing[] {
  const groups = new Map<string, Located[]>();
  for (const item of items) groups.set(item.node, [...(groups.get(item.node) ?? []), item]);
  return [...groups].map(([node, group]) => ({ to: addressOf(tenant, "node", node) satisfies Address, message: message(group) }));
}

/** Asked behind all that the ingress is told of the change. */
function confirmations(tenant: string, { name, rollout }: DeploymentState): readonly Outgoing[] {
  if (rollout === undefined || !awaitsIngress(rollout)) return [];
  return [
    { to: addressOf(tenant, "ingress"), message: { kind: "confirm", deployment: name, rollout: rollout.id } satisfies IngressCommand },
  ];
}

/** The nodes that run the old image will most likely run the new one: they pull it while the first replicas prove their health. */
function prefetches(tenant: string, before: DeploymentState, after: DeploymentState): readonly Outgoing[] {
  const image: PinnedTemplate["image"] | undefined = revisionOf(after, after.revision)?.template.image;
  if (image === undefined || after.mode !== "running" || image.digest === revisionOf(before, before.revision)?.template.image.digest)
    return [];
  const active = Object.values(before.placements).filter(isActive);
  const nodes = new Set(active.flatMap(({ stage }) => (stage.stage === "assigned" ? [stage.node] : [])));
  return [...nodes].map((node) => ({ to: addressOf(tenant, "node", node), message: { kind: "prefetch", image } satisfies NodeCommand }));
}
