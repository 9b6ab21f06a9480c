import type { ConnectionsLeft, IngressNode, Withdrawn } from "./commands.ts";
import type { IngressStatus } from "./contract.ts";
import type { IngressState, Withdrawal } from "./state.ts";
import { isIngressNode, trafficOf, type Traffic } from "./table.ts";

/** What is known of a node's proxy and not journalled. */
export interface SeenNode {
  /** Number of the newest table of our epoch that is on the agent's disk. */
  readonly acceptedNumber: number | undefined;
  readonly status: IngressStatus | undefined;
}

export interface SeenNodes {
  readonly epoch: number;
  readonly nodes: ReadonlyMap<string, SeenNode>;
}

/**
 * Those of the withdrawals that are over: every node that takes traffic and is not lost serves a table without the replica and has no connection to it left,
 * or the deadline has passed, and then with what was left.
 */
export function concluded(state: IngressState, withdrawals: readonly Withdrawal[], seen: SeenNodes, nowMs: number): readonly Withdrawn[] {
  if (withdrawals.length === 0) return [];
  const nodes = waitedFor(state);
  const traffic = trafficOf(state);
  return withdrawals.flatMap((withdrawal) => {
    const left = nodes.flatMap((node) => heldBy(node, seen, withdrawal, traffic) ?? []);
    return left.length === 0 || withdrawal.deadlineAtMs <= nowMs ? [{ placementId: withdrawal.placementId, left }] : [];
  });
}

/** Nodes that take traffic and are not lost. */
export function waitedFor(state: IngressState): readonly IngressNode[] {
  return Object.values(state.nodes).filter((node) => node.connection === "joined" && isIngressNode(state, node));
}

/** Whether a node serves a table with this number or a later one, as read from its proxy; nobody: it serves none at all, and never will an older one. */
export function servesAt(
  { name }: Pick<IngressNode, "name">,
  { epoch, nodes }: SeenNodes,
  number: number,
  { ports, routes }: Traffic,
): { readonly is: "serving"; readonly status: IngressStatus } | { readonly is: "nobody" } | { readonly is: "unknown" } {
  const { status, acceptedNumber = -1 } = nodes.get(name) ?? {};
  if (status === undefined) return { is: "unknown" };
  const { proxy, serving } = status;
  // A node without a proxy serves nobody, and once it holds this table it never will with an older one. That nothing asks for a proxy is an old word while something does.
  const isIdle = proxy.state === "idle" && ports.length + routes.length === 0;
  if ((proxy.state === "unavailable" || isIdle) && serving.number === 0) return { is: acceptedNumber >= number ? "nobody" : "unknown" };
  return serving.epoch !== epoch || serving.number < number ? { is: "unknown" } : { is: "serving", status };
}

/** What one node still has of a replica that is being withdrawn; undefined: nothing. */
function heldBy(
  node: IngressNode,
  seen: SeenNodes,
  { placementId, number }: Pick<Withdrawal, "placementId" | "number">,
  traffic: Traffic,
): ConnectionsLeft | undefined {
  const at = servesAt(node, seen, number, traffic);
  if (at.is === "unknown") return { node: node.name, connections: "unknown" };
  const left = at.is === "nobody" ? undefined : at.status.draining.find((each) => each.placementId === placementId);
  return left === undefined || left.connections === 0 ? undefined : { node: node.name, connections: left.connections };
}
