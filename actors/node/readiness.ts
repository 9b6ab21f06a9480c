import type { IngressNode } from "../ingress/commands.ts";
import type { SchedulerNode } from "../scheduler/contract.ts";
import type { NodeState } from "./state.ts";

/** The node as the scheduler sees it; undefined before an agent has joined. */
export function readinessOf(state: NodeState): SchedulerNode | undefined {
  const { name, facts } = state;
  if (facts === undefined) return undefined;
  const { labels, os, arch, hostname, cpuMillis, memoryBytes, allows } = facts;
  const node = { name, ...readiness(state), labels, os, arch, hostname, cpuMillis, memoryBytes };
  return allows === undefined ? node : { ...node, allows };
}

function readiness({ availability, connection, engine, facts }: NodeState): Pick<SchedulerNode, "readiness" | "reason"> {
  if (connection === "lost") return { readiness: "unreachable", reason: "its agent is silent" };
  if (availability === "cordoned") return { readiness: "cordoned", reason: "" };
  if (availability !== "active") return { readiness: "draining", reason: "" };
  if (engine === "unreachable") {
    const isAnother = facts?.engineRefusal !== undefined;
    const reason = isAnother ? "its agent does not use its container engine" : "its container engine does not answer";
    return { readiness: "refused", reason };
  }
  return { readiness: "ready", reason: "" };
}

/** The node as the ingress sees it: whether it takes new replicas does not matter there. */
export function ingressNodeOf({ name, facts, connection }: NodeState): IngressNode | undefined {
  if (facts === undefined) return undefined;
  const { hostname, address, labels, os, arch } = facts;
  return { name, hostname, address, labels, os, arch, connection };
}
