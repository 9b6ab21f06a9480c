import { z } from "zod";
import { DeploymentName, DeploymentSpec } from "../deployment/contract.ts";

/** Of a stack's description as it is sent: 2,000 members of 4 KiB each. A larger one is refused. */
export const STACK_BODY_LIMIT_BYTES = 8_388_608;
/** Members of one stack; more are refused. */
export const MAX_MEMBERS = 2_000;
/** Members one member may wait for. */
const MAX_DEPENDENCIES = 100;

export const StackName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,47}$/, "a stack's name is 1 to 48 characters: a-z, 0-9 and -, and begins with a letter or digit");

/** What must be true of a member before the one that waits for it is begun: a container of each replica has started, all are healthy, all have ended well. */
export const Condition = z.enum(["started", "healthy", "completed"]);
export type Condition = z.infer<typeof Condition>;

export const Dependency = z.strictObject({
  service: DeploymentName,
  condition: Condition.default("started"),
  /** A change of the stack that replaces the other's containers replaces this one's after them, also where nothing of it differs. Absent: no. */
  restart: z.boolean().optional(),
});
export type Dependency = z.infer<typeof Dependency>;

/** A member as it is asked for: a service of the stack, and the deployment it is to be. */
export const MemberSpec = z.strictObject({
  service: DeploymentName,
  spec: DeploymentSpec,
  /** Begun after these, on each change of the stack. */
  after: z.array(Dependency).max(MAX_DEPENDENCIES).default([]),
});
export type MemberSpec = z.infer<typeof MemberSpec>;
export type MemberSpecInput = z.input<typeof MemberSpec>;

/** What becomes of the others when one member's rollout fails: all go back to what the stack was, or all stay where they are. */
export const OnFailure = z.enum(["rollback", "pause"]);

/** What a person asks for: the members a stack is to have. */
export const StackSpec = z.strictObject({
  members: z.array(MemberSpec).min(1).max(MAX_MEMBERS),
  /** Members that are not named are removed; otherwise they stay as they are. */
  prune: z.boolean().default(false),
  onFailure: OnFailure.default("rollback"),
});

export type StackSpecInput = z.input<typeof StackSpec>;

export type StackChangeKind = "create" | "update" | "restart" | "rollback" | "automatic-rollback" | "delete";
