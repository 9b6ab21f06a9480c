import { NO_FRONTENDS, portId, webPortsOf, type Frontends, type IngressNode, type Served } from "./commands.ts";
import type { Confirmation, IngressState } from "./state.ts";
import { trafficOf } from "./table.ts";
import { servesAt, waitedFor, type SeenNodes } from "./withdrawal.ts";

/** Those of the confirmations that can be given: every node that is waited for serves what is to be confirmed, or the deadline has passed, and then with who does not. */
export function confirmable(state: IngressState, open: readonly Confirmation[], seen: SeenNodes, nowMs: number): readonly Served[] {
  if (open.length === 0) return [];
  const nodes = waitedFor(state);
  const traffic = trafficOf(state);
  return open.flatMap(({ deployment, rollout, number, deadlineAtMs }) => {
    const ports = portsOf(state.frontends[deployment] ?? NO_FRONTENDS);
    const isBehind = (node: IngressNode): boolean => {
      const at = servesAt(node, seen, number, traffic);
      // A proxy that serves is not reached before the node leads the port to it.
      return at.is === "unknown" || (at.is === "serving" && at.status.failedPorts.some((port) => ports.has(portId(port))));
    };
    const behind = nodes.filter(isBehind).map(({ name }) => name);
    return behind.length === 0 || deadlineAtMs <= nowMs ? [{ deployment, rollout, behind }] : [];
  });
}

/** Those of the nodes' that it is reached at. */
function portsOf({ ports, routes }: Frontends): ReadonlySet<string> {
  const web = routes.flatMap(({ tls }) => webPortsOf(tls));
  return new Set([...ports, ...web.map((port) => ({ port, protocol: "tcp" as const }))].map(portId));
}
