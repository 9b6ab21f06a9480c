import { fewOf } from "../../actors/deployment/sentence.ts";
import type { CertificatesEvent } from "../../actors/certificate/state.ts";
import type { DeploymentEvent } from "../../actors/deployment/events.ts";
import type { EventView } from "../../actors/event/event-view.ts";
import type { Withdrawn } from "../../actors/ingress/commands.ts";
import type { IngressEvent } from "../../actors/ingress/state.ts";
import type { PlacementStatus } from "../../actors/node/observed-contract.ts";
import type { NodeEvent } from "../../actors/node/state.ts";
import type { StackEvent } from "../../actors/stack/state.ts";
import type { TenantEvent } from "../../actors/tenant/actor.ts";
import { certificateWords } from "./certificate-words.ts";

const MAX_REPLICAS_NAMED = 3;

/** What happened, in words. Undefined: bookkeeping between parts of the control plane, which repeats what is said elsewhere. */
export function eventWords({ kind, name, type, data }: EventView): string | undefined {
  switch (kind) {
    case "deployment":
      return deploymentWords(data as DeploymentEvent);
    case "stack":
      return stackWords(data as StackEvent);
    case "node":
      return nodeWords(data as NodeEvent);
    case "tenant":
      return tenantWords(data as TenantEvent);
    case "scheduler":
      return undefined;
    case "ingress":
      return ingressWords(data as IngressEvent);
    case "certificates":
      return certificateWords(data as CertificatesEvent);
    default:
      return `${name} ${type}`.trim();
  }
}

function tenantWords(event: TenantEvent): string {
  switch (event.type) {
    case "tenant.founded":
      return "this installation begins";
    case "actor.resumed":
      return `${event.address} was let out of quarantine; what it failed on is ${event.poison === "retry" ? "tried again" : "dropped"}`;
    default:
      return unknownType(event);
  }
}

function stackWords(event: StackEvent): string | undefined {
  switch (event.type) {
    case "stack.created":
      return "created";
    case "stack.deleted":
      return "deleted";
    case "stack.deletion-requested":
      return "is to be deleted";
    case "members.described":
      return `is given ${fewOf(Object.values(event.contents), ({ service }) => service)}`;
    case "stack.revised":
      return event.contentOf === event.number
        ? `revision ${event.number}: ${event.members.length === 1 ? "one member" : `${event.members.length} members`}`
        : `revision ${event.number}: the members of revision ${event.contentOf} again`;
    case "stack.rollout-started":
      return `${event.change} begins${event.cause === undefined ? "" : ` because ${event.cause}`}`;
    case "stack.rollout-ended":
      return `rollout ${event.outcome}${event.reason === undefined ? "" : `: ${event.reason}`}`;
    case "member.ordered":
      return `${event.deployment} ${ORDERS[event.wants]}`;
    case "member.refused":
      return `${event.deployment} refuses: ${event.reason}`;
    case "member.stood":
      return undefined;
  }
}

const ORDERS = { content: "is to change", restart: "is to be restarted", gone: "is to go" } as const;

function obeyedWords({ stack, wants }: Extract<DeploymentEvent, { type: "membership.ordered" }>): string {
  if (wants === "content") return `is as the stack ${stack} wants it`;
  return wants === "restart" ? `is restarted with the stack ${stack}` : `leaves the stack ${stack}`;
}

function deploymentWords(event: DeploymentEvent): string | undefined {
  switch (event.type) {
    case "deployment.created":
      return `created with ${counted(event.replicas)}`;
    case "deployment.deleted":
      return "deleted";
    case "revision.created":
      return event.contentOf === event.number
        ? `revision ${event.number}: ${event.template.image.reference}`
        : `revision ${event.number}: the content of revision ${event.contentOf} again`;
    case "replicas.changed":
      return `wants ${counted(event.replicas)}`;
    case "mode.changed":
      return event.mode === "deleting" ? "is to be deleted" : event.mode === "stopped" ? "is to be stopped" : "is to run";
    case "rollout.started":
      return `${event.change} begins${event.cause === undefined ? "" : ` because ${event.cause}`}`;
    case "rollout.ended":
      return `rollout ${event.outcome}${event.reason === undefined ? "" : `: ${event.reason}`}`;
    case "membership.ordered":
      return obeyedWords(event);
    case "slot.ended":
      return event.outcome === "succeeded" ? `replica ${event.slot} has completed` : `replica ${event.slot} is given up: ${event.reason}`;
    case "rollout.served":
      return event.behind.length === 0
        ? "every proxy serves it"
        : `${fewOf(event.behind)} ${event.behind.length === 1 ? "does" : "do"} not serve it yet`;
    case "slots.adopted":
      return `${event.slots.length === 1 ? "replica" : "replicas"} ${fewOf(event.slots.map(String))} need no successor for revision ${event.revision}`;
    case "slots.pinned":
      return event.slots.map(({ slot, node }) => `replica ${slot} is for ${node}`).join(", ");
    case "nodes.listed":
      return `${event.nodes.length === 1 ? "1 node fits" : `${event.nodes.length} nodes fit`}: ${event.nodes.map(({ name, readiness }) => (readiness === "ready" ? name : `${name} (${readiness})`)).join(", ")}`;
    case "slot.relocated":
      return `replica ${event.slot} tries another node than ${event.node}`;
    case "placements.pended":
      return event.placements
        .map(({ placementId, rejections }) => `${placementId} finds no node: ${rejections.map(({ reason }) => reason).join("; ")}`)
        .join("; ");
    case "placements.assigned":
      return event.placements.map(({ placementId, node }) => `${placementId} goes to ${node}`).join(", ");
    case "placements.observed":
      return event.statuses.map(observedWords).join(", ");
    case "placements.evacuated":
      return `${named(event.placementIds)} to be replaced: ${event.reason}`;
    case "placements.disconnected":
      return `nobody knows whether ${named(event.placementIds)} still ${event.placementIds.length === 1 ? "runs" : "run"}: the node is lost`;
    case "placements.retained":
      return `${named(event.placementIds)} can stay`;
    case "placements.withdrawal-requested":
      return `${named(event.placementIds)} to leave the pools before being stopped`;
    case "placements.withdrawn":
      return event.withdrawals.map(withdrawnWords).join(", ");
    case "placements.stop-requested":
      return `stopping ${named(event.placementIds)}`;
    case "placements.ended":
      return `${named(event.placementIds)} ${endings[event.because]}`;
    case "placements.requested":
    case "slots.retargeted":
    case "slots.removed":
    case "slots.freed":
      return undefined;
    default:
      return unknownType(event);
  }
}

function withdrawnWords({ placementId, left }: Withdrawn): string {
  const cut = left.map(({ node, connections }) =>
    connections === "unknown"
      ? `${node} never said that it was done`
      : `${connections} ${connections === 1 ? "connection" : "connections"} left on ${node}`,
  );
  return cut.length === 0 ? `${placementId} is out of all pools` : `${placementId} had no more time to drain: ${cut.join(", ")}`;
}

const endings = {
  stopped: "gone",
  lost: "given up with the lost node",
  gone: "gone with its node",
  "never-placed": "given up before it had a node",
} as const;

function observedWords({ placementId, attempt, current, failure }: PlacementStatus): string {
  const again = attempt > 1 ? ` (attempt ${attempt})` : "";
  const health = current.phase === "running" ? `, ${current.health}` : "";
  return `${placementId} ${current.phase}${health}${again}${failure === undefined ? "" : `: ${failure.message}`}`;
}

function nodeWords(event: NodeEvent): string | undefined {
  switch (event.type) {
    case "node.joined":
      return `joined, engine ${event.engine}`;
    case "node.lost":
      return `lost: ${event.reason}`;
    case "engine.reported":
      return `engine ${event.engine}`;
    case "node.cordoned":
      return "cordoned: takes no new replicas";
    case "node.uncordoned":
      return "takes replicas again";
    case "node.drain-started":
      return "is being drained";
    case "node.drained":
      return "drained: no replica is left";
    case "node.removed":
      return "removed";
    case "placements.added":
    case "placements.refused":
    case "placements.stop-requested":
    case "placements.removed":
    case "prefetch.requested":
      return undefined;
    default:
      return unknownType(event);
  }
}

/** Pools follow what is told of replicas. */
function ingressWords(event: IngressEvent): string | undefined {
  switch (event.type) {
    case "settings.changed":
      return "settings of the ingress changed";
    case "hosts.settled":
      return event.taken.length === 0 ? undefined : `host names that are taken: ${event.taken.join(", ")}`;
    case "hosts.asked":
    case "claims.reserved":
    case "claims.kept":
    case "claims.expired":
    case "frontends.changed":
    case "members.entered":
    case "members.left":
    case "members.withdrawn":
    case "withdrawals.ended":
    case "confirmation.asked":
    case "confirmations.ended":
    case "node.changed":
    case "node.removed":
    case "tables.renumbered":
      return undefined;
    default:
      return unknownType(event);
  }
}

/** A newer control plane may tell of what this command line does not know. */
function unknownType(event: never): string {
  return (event as { readonly type: string }).type;
}

function counted(replicas: number): string {
  return replicas === 1 ? "1 replica" : `${replicas} replicas`;
}

function named(placementIds: readonly string[]): string {
  const more = placementIds.length - MAX_REPLICAS_NAMED;
  return `${placementIds.slice(0, MAX_REPLICAS_NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
