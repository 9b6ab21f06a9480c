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
  const nodes = Object.values(state.nodes).filter((node) => node.connection === "joined" && isIngressNode(state, node));
  const traffic = trafficOf(state);
  return withdrawals.flatMap((withdrawal) => {
    const left = nodes.flatMap((node) => heldBy(node, seen, withdrawal, traffic) ?? []);
    return left.length === 0 || withdrawal.deadlineAtMs <= nowMs ? [{ placementId: withdrawal.placementId, left }] : [];
  });
}

/** What one node still has of a replica that is being withdrawn; undefined: nothing. */
function heldBy(
  { name }: Pick<IngressNode, "name">,
  { epoch, nodes }: SeenNodes,
  { placementId, number }: Pick<Withdrawal, "placementId" | "number">,
  { ports, routes }: Traffic,
): ConnectionsLeft | undefined {
  const { status, acceptedNumber = -1 } = nodes.get(name) ?? {};
  const unknown: ConnectionsLeft = { node: name, connections: "unknown" };
  if (status === undefined) return unknown;
  const { proxy, serving, draining } = status;
  // A node without a proxy serves nobody, and once it holds this table it never will with an older one. That nothing asks for a proxy is an old word while something does.
  const isIdle = proxy.state === "idle" && ports.length + routes.length === 0;
  if ((proxy.state === "unavailable" || isIdle) && serving.number === 0) return acceptedNumber >= number ? undefined : unknown;
  if (serving.epoch !== epoch || serving.number < number) return unknown;
  const connections = draining.find((each) => each.placementId === placementId)?.connections ?? 0;
  return connections === 0 ? undefined : { node: name, connections };
}
