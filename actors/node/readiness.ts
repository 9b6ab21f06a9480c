import type { IngressNode } from "../ingress/commands.ts";
import type { SchedulerNode } from "../scheduler/contract.ts";
import type { NodeState } from "./state.ts";

/** The node as the scheduler sees it; undefined before an agent has joined. */
export function readinessOf({ name, facts, availability, connection, engine }: NodeState): SchedulerNode | undefined {
  if (facts === undefined) return undefined;
  const { labels, os, arch, hostname, cpuMillis, memoryBytes, allows } = facts;
  const node = { name, ...readiness(availability, connection, engine), labels, os, arch, hostname, cpuMillis, memoryBytes };
  return allows === undefined ? node : { ...node, allows };
}

function readiness(
  availability: NodeState["availability"],
  connection: NodeState["connection"],
  engine: NodeState["engine"],
): Pick<SchedulerNode, "readiness" | "reason"> {
  if (connection === "lost") return { readiness: "unreachable", reason: "its agent is silent" };
  if (availability === "cordoned") return { readiness: "cordoned", reason: "" };
  if (availability !== "active") return { readiness: "draining", reason: "" };
  if (engine === "unreachable") return { readiness: "refused", reason: "its container engine does not answer" };
  return { readiness: "ready", reason: "" };
}

/** The node as the ingress sees it: whether it takes new replicas does not matter there. */
export function ingressNodeOf({ name, facts, connection }: NodeState): IngressNode | undefined {
  if (facts === undefined) return undefined;
  const { hostname, address, labels, os, arch } = facts;
  return { name, hostname, address, labels, os, arch, connection };
}
