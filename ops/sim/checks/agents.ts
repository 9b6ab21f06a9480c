import { LABEL } from "../../../agent/labels.ts";
import { type AssignmentNumber, compareAssignments } from "../../../agent/assignment-order.ts";
import type { SimNode } from "../sim-node.ts";
import type { Truth } from "../truth.ts";
import type { Report } from "../violation.ts";

/** No agent goes back to an older assignment, not even across its own death. */
export class AssignmentOrder {
  readonly #nodes: readonly SimNode[];
  readonly #report: Report;
  readonly #newest = new Map<SimNode, AssignmentNumber>();

  constructor(nodes: readonly SimNode[], report: Report) {
    this.#nodes = nodes;
    this.#report = report;
  }

  look(): void {
    for (const node of this.#nodes) {
      const held = node.agent?.assigned;
      if (held === undefined) continue;
      const { epoch, number } = held;
      const before = this.#newest.get(node);
      if (before !== undefined && compareAssignments(held, before) < 0) {
        this.#report("agents never go back", `${node.name} went from (${before.epoch}, ${before.number}) to (${epoch}, ${number})`);
      }
      this.#newest.set(node, { epoch, number });
    }
  }
}

/** A container that serves, is wanted, and was left alone by others is not stopped by us. */
export function checkStop(node: SimNode, containerId: string, truth: Truth, report: Report): void {
  const container = node.ours().find((other) => other.containerId === containerId);
  const placementId = container?.labels[LABEL.placement] ?? "";
  const placement = truth.nodes.get(node.name)?.placements[placementId];
  if (container?.state !== "running" || placement?.desired !== "running" || node.tampered.has(containerId)) return;
  const isNewest = node
    .ours()
    .every(
      ({ labels }) => labels[LABEL.placement] !== placementId || Number(labels[LABEL.attempt]) <= Number(container.labels[LABEL.attempt]),
    );
  if (!isNewest || node.engine.probe(containerId) !== "healthy") return;
  report("what serves and is wanted is not stopped", `${node.name} stops ${container.name}`);
}
