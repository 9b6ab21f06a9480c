import { z } from "zod";
import { PinnedImage, PinnedTemplate } from "../deployment/contract.ts";

/** What a node should do, as its agent is told it. */

/** What its agent tells of all of them in one message, a sample each, is then well below what a message can hold. */
export const MAX_PLACEMENTS_PER_NODE = 2_500;

/**
 * Desired: one replica of a deployment on this node. A placement is the scheduler's decision that a slot lives here; the agent makes attempts in it
 * (one container each), numbered from 1, on its own, also while the control plane is away.
 */
export const Placement = z.strictObject({
  /** `web.3.7`: deployment, slot, and a number that only grows within the deployment. */
  placementId: z.string().min(1).max(120),
  deployment: z.string(),
  slot: z.int().min(1),
  /** Revision whose content it runs. */
  revision: z.int().min(1),
  template: PinnedTemplate,
  desired: z.enum(["running", "stopped"]),
});
export type Placement = z.infer<typeof Placement>;

/** The whole of what a node should do. A greater (epoch, number) replaces a smaller one; a smaller one is refused. */
export const Assignment = z.strictObject({
  kind: z.literal("assignment"),
  tenant: z.string(),
  node: z.string(),
  epoch: z.int().min(0),
  number: z.int().min(0),
  placements: z.array(Placement).max(MAX_PLACEMENTS_PER_NODE),
  /** Images that will be wanted soon. */
  prefetch: z.array(PinnedImage).max(100),
});
export type Assignment = z.infer<typeof Assignment>;

/** Portions of one assignment; with so many placements as a node may have, each larger than most. */
const MAX_PORTIONS = 1_000;

/** One of the portions of an assignment that no single message can hold. Whoever has them all has the assignment; before that nothing is done. */
export const AssignmentPortion = Assignment.extend({
  kind: z.literal("assignment-portion"),
  /** From 1. */
  portion: z.int().min(1).max(MAX_PORTIONS),
  portions: z.int().min(2).max(MAX_PORTIONS),
});
export type AssignmentPortion = z.infer<typeof AssignmentPortion>;

/** What makes the assignment `base` the one with this number, to an agent that has `base`. */
export const AssignmentChange = z.strictObject({
  kind: z.literal("assignment-change"),
  tenant: z.string(),
  node: z.string(),
  epoch: z.int().min(0),
  number: z.int().min(0),
  base: z.strictObject({ epoch: z.int().min(0), number: z.int().min(0) }),
  /** New ones, and others under a known id. */
  placements: z.array(Placement).max(MAX_PLACEMENTS_PER_NODE),
  /** Ids of those that are otherwise as they were. */
  stopped: z.array(z.string()).max(MAX_PLACEMENTS_PER_NODE),
  removed: z.array(z.string()).max(MAX_PLACEMENTS_PER_NODE),
  prefetch: z.array(PinnedImage).max(100),
});
export type AssignmentChange = z.infer<typeof AssignmentChange>;

export const AssignmentAnswer = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("accepted"), epoch: z.int(), number: z.int() }),
  /** The agent holds a newer one. */
  z.strictObject({ kind: z.literal("stale"), epoch: z.int(), number: z.int() }),
  z.strictObject({ kind: z.literal("not-stored"), message: z.string() }),
  /** A portion, and others are missing. In memory alone. */
  z.strictObject({ kind: z.literal("kept") }),
  /** A change of an assignment that the agent does not have: it wants the whole. */
  z.strictObject({ kind: z.literal("lacking"), names: z.array(z.string()) }),
]);
export type AssignmentAnswer = z.infer<typeof AssignmentAnswer>;
