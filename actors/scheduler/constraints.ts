import type { Constraint } from "../deployment/contract.ts";

/** A node as far as a constraint looks at it. */
export interface ConstrainedNode {
  readonly name: string;
  readonly hostname: string;
  readonly os: string;
  readonly arch: string;
  readonly labels: Readonly<Record<string, string>>;
}

export function holds(constraint: Constraint, node: ConstrainedNode): boolean {
  const actual = valueOf(node, constraint.key);
  switch (constraint.operator) {
    case "==":
      return actual === constraint.value;
    case "!=":
      return actual !== constraint.value;
    case "in":
      return actual !== undefined && constraint.values.includes(actual);
    case "notin":
      return actual === undefined || !constraint.values.includes(actual);
    case "exists":
      return actual !== undefined;
  }
}

/** As a person would say it: `zone == eu`. */
export function constraintWords(constraint: Constraint): string {
  switch (constraint.operator) {
    case "==":
    case "!=":
      return `${constraint.key} ${constraint.operator} ${constraint.value}`;
    case "in":
    case "notin":
      return `${constraint.key} ${constraint.operator} (${constraint.values.join(", ")})`;
    case "exists":
      return `${constraint.key} exists`;
  }
}

function valueOf(node: ConstrainedNode, key: string): string | undefined {
  switch (key) {
    case "node.id":
      return node.name;
    case "node.hostname":
      return node.hostname;
    case "node.platform.os":
      return node.os;
    case "node.platform.arch":
      return node.arch;
    default:
      return labelOf(node, key.startsWith("node.labels.") ? key.slice("node.labels.".length) : key);
  }
}

function labelOf({ labels }: ConstrainedNode, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
