import type { PinnedTemplate, Share } from "./contract.ts";
import { hostPortsOf } from "./frontends.ts";
import { writesToVolume } from "./mount-contract.ts";
import { hasOwnAddress } from "./network-contract.ts";

/** How far a rollout may go above and below the wanted number of replicas. */
export interface Budget {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/**
 * Surge rounds up and unavailability down, as Kubernetes does. When both come out as 0 nothing could ever be replaced, so one may be missing.
 * Replicas that bind a port of their node, or have an address of their own, cannot stand beside their successor; those that write to a volume must not, since
 * two databases on one directory destroy it. Hence the other default for them. One of a global deployment has no other node to which its successor could go:
 * where the two cannot stand beside each other, no surge is had.
 */
export function budgetOf(template: PinnedTemplate, replicas: number): Budget {
  const surge = isUnique(template) && template.mode === "global" ? 0 : (template.rollout.maxSurge ?? (isAlone(template) ? 0 : 1));
  const maxSurge = count(surge, replicas, Math.ceil);
  const maxUnavailable = count(template.rollout.maxUnavailable ?? (isAlone(template) ? 1 : 0), replicas, Math.floor);
  return { maxSurge, maxUnavailable: maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable };
}

/** What one replica has, no other of them can have on the same node. */
function isUnique(template: PinnedTemplate): boolean {
  return hostPortsOf(template).length > 0 || hasOwnAddress(template.networks);
}

/** Two replicas must not be at work at once on one node. */
export function isAlone(template: PinnedTemplate): boolean {
  return isUnique(template) || writesToVolume(template.mounts);
}

function count(share: Share, replicas: number, round: (value: number) => number): number {
  return typeof share === "number" ? share : round((replicas * Number.parseInt(share, 10)) / 100);
}
