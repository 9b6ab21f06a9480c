import { z } from "zod";
import type { Reply } from "../../runtime/actor.ts";
import { addressOf } from "../../runtime/address.ts";
import { isRefusal } from "../../runtime/refusal.ts";
import { defineOperation, type Operation, type OperationContext } from "../catalogue.ts";
import { DeploymentName } from "../deployment/contract.ts";
import { imageErrors, ingressErrors, writers } from "../deployment/operations-write.ts";
import { partOf, reserveWants, unlessAccepted } from "../deployment/reserve.ts";
import { fileErrors } from "../deployment/seal-files.ts";
import type { Want } from "../ingress/commands.ts";
import { withNearest } from "../nearest-row.ts";
import type { StackCommand, StackPersonCommand, StackReply } from "./commands.ts";
import { MAX_MEMBERS, STACK_BODY_LIMIT_BYTES, StackName, StackSpec } from "./contract.ts";
import { compare, PlannedStack, planStack, type Comparison } from "./plan-stack.ts";
import { stackRefusals } from "./refusals.ts";
import { MemberChangeView } from "./views.ts";

/** A decision takes milliseconds; so long only when the disk is slow. */
const DECISION_TIMEOUT_MS = 15_000;

const Name = z.strictObject({ name: StackName });
const Input = StackSpec.extend({ name: StackName });
const Changed = z.object({
  name: z.string(),
  generation: z.number(),
  revision: z.number(),
  change: z.enum(["created", "changed", "unchanged", "deleting"]),
  /** The rollout to wait for; absent when there is nothing to wait for. */
  rollout: z.number().optional(),
  members: z.array(MemberChangeView),
  /** Of a restart of the whole stack: members that it passes over, and why. */
  leftAlone: z.array(z.object({ service: z.string(), reason: z.string() })).optional(),
});

async function command(
  name: string,
  message: StackPersonCommand,
  { host, tenant, meta, reads, ifGeneration }: OperationContext,
): Promise<Reply> {
  const guarded = ifGeneration === undefined ? message : { ...message, ifGeneration };
  const reply = await host.ask(addressOf(tenant, "stack", name), guarded, meta, { timeoutMs: DECISION_TIMEOUT_MS });
  return withNearest(reply, stackRefusals["stack.not-found"], "stack", name, reads);
}

/** Nothing differs, and no rollout failed that would have to be tried again: there is nothing to decide. */
function unchanged(name: string, { change, present: { view } }: Comparison): StackReply | undefined {
  const outcome = view?.rollout.outcome ?? "succeeded";
  if (change !== "none" || (outcome !== "succeeded" && outcome !== "in-progress")) return undefined;
  const rollout = view === undefined || outcome === "succeeded" ? {} : { rollout: view.rollout.id };
  return { name, generation: view?.generation ?? 0, revision: view?.revision ?? 0, change: "unchanged", ...rollout, members: [] };
}

/** What the members are to publish is theirs before any of them changes: a change is refused whole. */
async function reserving(name: string, message: StackPersonCommand, context: OperationContext): Promise<Reply> {
  const { host, tenant, meta } = context;
  const address = addressOf(tenant, "stack", name);
  const question: StackCommand = { kind: "preview", command: message };
  const preview = await host.ask(address, question, partOf(meta, "preview"), { timeoutMs: DECISION_TIMEOUT_MS });
  if (isRefusal(preview)) return preview;
  const reserved = await reserveWants(preview.value as readonly Want[], `stacks.${message.kind}`, context, DECISION_TIMEOUT_MS);
  return isRefusal(reserved) ? unlessAccepted(reserved, address, context) : command(name, message, context);
}

export const stackWrites: readonly Operation[] = [
  defineOperation({
    name: "stacks.apply",
    title: "Create a stack or make it what is given",
    description:
      "Creates and changes its members in the order in which they wait for each other; with prune, those that are not named are removed at the end. When one fails, all go back to what they were. The same input again does nothing. Up to 2,000 members, and 8 MiB in all.",
    effect: "write",
    input: Input,
    output: Changed,
    roles: writers,
    errors: ["stack.deleting", "stack.invalid", "stack.generation-mismatch", ...imageErrors, ...fileErrors, ...ingressErrors],
    http: { method: "PUT", path: "/stacks/{name}" },
    bodyLimitBytes: STACK_BODY_LIMIT_BYTES,
    example: "apply compose.yaml --wait",
    handle: async (input, context) => {
      const { name, prune, onFailure } = input;
      const comparison = await compare(input, context, "keep");
      if (isRefusal(comparison)) return comparison;
      const same = unchanged(name, comparison);
      if (same !== undefined) return { kind: "ok", value: same };
      return reserving(name, { kind: "apply", members: comparison.given, prune, onFailure }, context);
    },
  }),
  defineOperation({
    name: "stacks.plan",
    title: "Show what apply would change",
    description:
      "Member by member and field by field, beside what the deployments are now; where replicas would go and what would be pulled. Nothing is done.",
    effect: "read",
    input: Input,
    output: PlannedStack,
    roles: [...writers, "read-only"],
    errors: [...imageErrors, ...fileErrors],
    http: { method: "POST", path: "/stacks/{name}/plan" },
    bodyLimitBytes: STACK_BODY_LIMIT_BYTES,
    example: "plan compose.yaml",
    handle: async (input, context) => {
      const planned = await planStack(input, context);
      return isRefusal(planned) ? planned : { kind: "ok", value: planned };
    },
  }),
  defineOperation({
    name: "stacks.rollback",
    title: "Go back to an earlier revision of a stack",
    description:
      "Takes every member to what that revision was: those removed since are made again, those added since are removed. Without a number: the newest revision before the present one that once succeeded.",
    effect: "destructive",
    input: Name.extend({ to: z.int().min(1).optional() }),
    output: Changed,
    roles: writers,
    errors: [
      "stack.not-found",
      "stack.deleting",
      "stack.generation-mismatch",
      "stack.revision-not-found",
      "stack.none-earlier",
      "stack.current",
      ...ingressErrors,
    ],
    http: { method: "POST", path: "/stacks/{name}/rollback" },
    example: "stack rollback shop --to 3 --wait",
    handle: ({ name, to }, context) => reserving(name, to === undefined ? { kind: "rollback" } : { kind: "rollback", to }, context),
  }),
  defineOperation({
    name: "stacks.restart",
    title: "Restart a stack, or some of its services",
    description:
      "Replaces the replicas of each member in a rolling update, in the order of depends_on and when what it demands is true; those that depend on a named one with restart: true follow it. Members stay as they are, also where they were changed by hand. Without services: all that run on; jobs, what has completed and what is stopped are left alone. Refused while a change of the stack is under way. When one fails, the others are left as they are.",
    effect: "write",
    input: Name.extend({ services: z.array(DeploymentName).max(MAX_MEMBERS).default([]).describe("Which; none: all that run on.") }),
    output: Changed,
    roles: writers,
    errors: [
      "stack.not-found",
      "stack.deleting",
      "stack.generation-mismatch",
      "stack.changing",
      "stack.unfinished",
      "stack.service-not-found",
      "stack.not-running",
    ],
    http: { method: "POST", path: "/stacks/{name}/restart" },
    example: "stack restart shop web --wait",
    handle: ({ name, services }, context) => command(name, { kind: "restart", services }, context),
  }),
  defineOperation({
    name: "stacks.delete",
    title: "Remove a stack and all its members",
    description: "Those that others wait for go last. The audit log keeps what happened; the stack itself cannot be brought back.",
    effect: "destructive",
    input: Name,
    output: Changed,
    roles: writers,
    errors: ["stack.not-found", "stack.generation-mismatch"],
    http: { method: "DELETE", path: "/stacks/{name}" },
    example: "stack delete shop --wait",
    handle: ({ name }, context) => command(name, { kind: "delete" }, context),
  }),
];
