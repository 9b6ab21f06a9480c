import type { FittingNode } from "../scheduler/contract.ts";
import { contentOf, hasEnded, isMoving, isWaiting, templateOf } from "./replica.ts";
import type { DeploymentState, NodeList, Slot } from "./state.ts";

/** Questions about which nodes a deployment is on, answered from its state alone. */

/** Whether it has a replica on every node that fits, as the revision says that it is at or on its way to. */
export function isGlobal(state: DeploymentState): boolean {
  return state.revisions.length > 0 && templateOf(state, contentOf(state, state.revision)).mode === "global";
}

/** The slots that should exist, ascending: as many as were asked for, or those that have a node. */
export function wantedSlots(state: DeploymentState): readonly number[] {
  if (!isGlobal(state)) return Array.from({ length: state.replicas }, (_, index) => index + 1);
  return Object.values(state.slots).flatMap(({ number, node }) => (node === undefined ? [] : [number]));
}

/** The nodes that fit the present revision; undefined: not told yet. */
export function presentNodes({ nodes, revision }: DeploymentState): NodeList | undefined {
  return nodes?.revision === revision ? nodes : undefined;
}

/** Why nothing can be started on the slot's own node now. Undefined: it can, or any node will do. */
export function closedBecause(state: DeploymentState, { node: name }: Slot): string | undefined {
  if (name === undefined) return undefined;
  const nodes = presentNodes(state);
  if (nodes === undefined) return "which nodes fit is not known yet";
  const node = nodes.nodes.find((candidate) => candidate.name === name);
  return node === undefined ? `${name} does not fit` : notReady(node);
}

/** In words, why a node takes no new replicas; undefined: it does. */
export function notReady({ name, readiness, reason }: FittingNode): string | undefined {
  if (readiness === "ready") return undefined;
  const what = readiness === "refused" ? "takes no new replicas" : `is ${readiness}`;
  return `${name} ${what}${reason === "" ? "" : ` (${reason})`}`;
}

/**
 * Whether slots of another revision are to come to the present one. A global deployment leaves nodes out that cannot take their replica while it is rolled
 * out, and one that waits leaves out what is on a lost node; they follow when they can, if the rollout has succeeded without them.
 */
export function bringsForward(state: DeploymentState): boolean {
  return isMoving(state) || (state.succeeded === state.revision && (isGlobal(state) || isWaiting(state)));
}

/** Its work on this node is done, and is not done again. */
export function isDone(state: DeploymentState, slot: Slot): boolean {
  return hasEnded(slot, contentOf(state, slot.revision || state.revision)) && slot.ended?.outcome === "succeeded";
}
