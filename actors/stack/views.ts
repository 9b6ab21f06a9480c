import { z } from "zod";
import { DeploymentView, FieldChangeView, RolloutView } from "../views.ts";
import { MemberSpec } from "./contract.ts";

/** Rows of the read model about stacks, and answers of the reading operations. Wall-clock times are milliseconds since the epoch. */

/** Services that a list of stacks names of each. */
export const LISTED_SERVICES = 20;

/** failedMember: the deployment that it failed because of. */
const StackRolloutView = RolloutView.extend({ failedMember: z.string().optional() });
export type StackRolloutView = z.infer<typeof StackRolloutView>;

/** Row kind `stack`, id = name. */
export const StackView = z.object({
  name: z.string(),
  /** Grows with every accepted change; the ETag. */
  generation: z.number(),
  /** drifted: a member was changed since the stack's last rollout. degraded: not all members are well. */
  status: z.enum(["deploying", "rolling-back", "running", "drifted", "degraded", "failed", "deleting"]),
  /** One sentence: why the status is what it is. */
  reason: z.string(),
  revision: z.number(),
  /** The first of them, in the order of the manifest; all are in its detail. */
  services: z.array(z.string()).max(LISTED_SERVICES),
  serviceCount: z.number(),
  rollout: StackRolloutView,
  createdAtMs: z.number(),
  changedAtMs: z.number(),
});
export type StackView = z.infer<typeof StackView>;

export const RevisionMember = z.object({ deployment: z.string(), ...MemberSpec.shape, image: DeploymentView.shape.image });
export type RevisionMember = z.infer<typeof RevisionMember>;

/** Row kind `stack-revision`, id = `NAME.N` (N padded to 8 digits), parent = stack: what the stack was at one time. */
export const StackRevisionRow = z.object({
  stack: z.string(),
  number: z.number(),
  contentOf: z.number(),
  members: z.array(RevisionMember),
  links: z.record(z.string(), z.number()),
  onFailure: z.enum(["rollback", "pause"]),
  atMs: z.number(),
  provenAtMs: z.number().optional(),
});
export type StackRevisionRow = z.infer<typeof StackRevisionRow>;

/** Its members are read in portions. */
export const UnreadRevision = StackRevisionRow.extend({ members: z.array(z.unknown()) });

export const MemberChangeView = z.object({
  service: z.string(),
  deployment: z.string(),
  change: z.enum(["create", "change", "restart", "remove"]),
  diff: z.array(FieldChangeView),
});

/** Row kind `stack-change`, id = `NAME.N` (N padded to 8 digits), parent = stack: one line of the history. */
export const StackChangeView = z.object({
  stack: z.string(),
  change: z.enum(["create", "update", "restart", "rollback", "automatic-rollback", "delete"]),
  generation: z.number(),
  revision: z.number(),
  /** The revision whose members this one repeats, for a rollback. */
  contentOf: z.number(),
  /** By deployment: its own revision at the end of this change. */
  links: z.record(z.string(), z.number()),
  by: z.string(),
  via: z.string(),
  atMs: z.number(),
  members: z.array(MemberChangeView),
  rollout: StackRolloutView,
});
export type StackChangeView = z.infer<typeof StackChangeView>;

/** Row kind `stack-member`, id = `STACK/DEPLOYMENT`, parent = stack: which service of the stack it is. */
export const StackMemberRow = z.object({ service: z.string(), deployment: z.string() });
export type StackMemberRow = z.infer<typeof StackMemberRow>;

/** A member as a list of many shows it. */
export const MemberSummary = StackMemberRow.extend({
  /** Absent: there is no such deployment, not yet or not any more. */
  now: DeploymentView.pick({ status: true, reason: true, revision: true, replicas: true, healthyReplicas: true, rollout: true })
    .extend({ image: z.string() })
    .optional(),
  /** Fields in which it differs from what the stack's revision says. */
  drift: z.array(z.string()),
});
export type MemberSummary = z.infer<typeof MemberSummary>;

/** A member as the stack's detail shows it. */
const MemberView = z.object({
  service: z.string(),
  deployment: z.string(),
  /** Absent: there is no such deployment, not yet or not any more. */
  view: DeploymentView.optional(),
  /** The member's revision that belongs to the stack's. */
  linked: z.number().optional(),
  /** What it differs in from what the stack's revision says. */
  drift: z.array(FieldChangeView),
});

export const StackDetail = StackView.extend({ members: z.array(MemberView) });
export type StackDetail = z.infer<typeof StackDetail>;

export function memberId(stack: string, deployment: string): string {
  return `${stack}/${deployment}`;
}

export function revisionId(stack: string, number: number): string {
  return `${stack}.${String(number).padStart(8, "0")}`;
}
