import { ageText } from "../../runtime/age-text.ts";
import type { OperationContext } from "../catalogue.ts";
import type { PlacementStatus } from "../node/observed-contract.ts";
import type { ObservedNode } from "../node/node-reads.ts";
import { isHeard } from "../node/status.ts";
import { ContainerView } from "../views.ts";

/** Phases in which nothing runs anywhere, so that no node's silence matters. */
const PLACELESS: ReadonlySet<ContainerView["phase"]> = new Set(["requested", "pending", "stopped"]);
const BYTES_PER_MIB = 1_048_576;

/** A replica's row joined with what its node says now. On a silent node its health is unknown, with the age of the last word. */
export function containerView(context: OperationContext, body: unknown, nodes: ReadonlyMap<string, ObservedNode>): ContainerView {
  const row = ContainerView.parse(body);
  if (row.node === undefined || PLACELESS.has(row.phase)) return row;
  const node = nodes.get(row.node);
  if (node === undefined) return { ...row, health: "unknown", reason: `node ${row.node} is not known any more` };
  const { view, soft } = node;
  const observedAtMs = view.lastHeardAtMs ?? row.observedAtMs;
  const observed: ContainerView = observedAtMs === undefined ? row : { ...row, observedAtMs };
  if (!isHeard(view.status)) {
    const age = observedAtMs === undefined ? "" : ` for ${ageText(context.clock.nowMs() - observedAtMs)}`;
    return {
      ...observed,
      health: "unknown",
      reason: `node ${view.name} has not been heard of${age}; before that: ${row.phase}${before(row)}`,
    };
  }
  const progress = progressText(soft?.statuses.get(row.id));
  return row.phase === "pulling" && row.reason === "" && progress !== undefined ? { ...observed, reason: progress } : observed;
}

function before({ health }: ContainerView): string {
  return health === "none" || health === "unknown" ? "" : `, ${health}`;
}

function progressText(status: PlacementStatus | undefined): string | undefined {
  if (status?.current.phase !== "pulling" || status.current.doneBytes === undefined) return undefined;
  const { doneBytes, totalBytes } = status.current;
  const total = totalBytes === undefined || totalBytes === 0 ? "" : ` of ${mebibytes(totalBytes)}`;
  return `${mebibytes(doneBytes)}${total} MiB pulled`;
}

function mebibytes(bytes: number): string {
  return (bytes / BYTES_PER_MIB).toFixed(1);
}
