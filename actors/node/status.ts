import { ageText } from "../../runtime/age-text.ts";
import type { NodeSoft, NodeView } from "../views.ts";
import { HEARTBEAT_UNKNOWN_AFTER_MS, type NodeStatus } from "./contract.ts";

export interface NodeStatusLine {
  readonly status: NodeStatus;
  /** One sentence. */
  readonly reason: string;
}

/** What of a node's row its status depends on. */
export type NodeStatusFacts = Pick<NodeView, "connection" | "connectionSinceMs" | "engine" | "engineRefusal"> & {
  readonly degraded: readonly string[];
};

/** The only place where a node's status is decided, at the moment of looking. A silent node is unknown, whatever it said last. */
export function nodeStatus(
  row: NodeStatusFacts,
  soft: Pick<NodeSoft, "lastHeardAtMs" | "assignmentProblem"> | undefined,
  nowMs: number,
): NodeStatusLine {
  const heardAtMs = soft?.lastHeardAtMs;
  if (row.connection === "lost") {
    return {
      status: "unreachable",
      reason: `lost for ${ageText(nowMs - row.connectionSinceMs)}: it does not answer; its replicas are placed elsewhere, unless their deployments wait for it`,
    };
  }
  if (heardAtMs === undefined) return { status: "unknown", reason: "not heard of since the control plane started" };
  const silentMs = nowMs - heardAtMs;
  if (silentMs > HEARTBEAT_UNKNOWN_AFTER_MS) return { status: "unknown", reason: `silent for ${ageText(silentMs)}` };
  if (row.engine === "unreachable" && row.engineRefusal !== undefined)
    return { status: "degraded", reason: `its agent does not use its container engine: ${row.engineRefusal}` };
  if (row.engine === "unreachable") return { status: "degraded", reason: "its container engine does not answer" };
  if (soft?.assignmentProblem !== undefined) return { status: "degraded", reason: soft.assignmentProblem };
  if (row.degraded.length > 0) return { status: "degraded", reason: row.degraded.join("; ") };
  return { status: "healthy", reason: `heard of ${ageText(silentMs)} ago` };
}

/** Whether what is known of this node's containers is news and not a memory. */
export function isHeard(status: NodeStatus): boolean {
  return status === "healthy" || status === "degraded";
}
