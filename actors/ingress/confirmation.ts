import { NO_FRONTENDS, portId, type Frontends, type IngressNode, type Served } from "./commands.ts";
import type { Confirmation, IngressState } from "./state.ts";
import { trafficOf } from "./table.ts";
import { servesAt, waitedFor, type SeenNodes } from "./withdrawal.ts";

/** How long a proxy may take to follow before a deployment is told that it does not: what it waits for changes nothing any more. */
export const CONFIRM_WITHIN_MS = 30_000;

/** Where routes answer. */
const HTTP_PORT = 80;
const HTTPS_PORT = 443;

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
  const web = routes.flatMap(({ tls }) => (tls === "on" ? [HTTP_PORT, HTTPS_PORT] : [HTTP_PORT]));
  return new Set([...ports, ...web.map((port) => ({ port, protocol: "tcp" as const }))].map(portId));
}
