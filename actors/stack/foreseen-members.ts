import { addressOf } from "../../runtime/address.ts";
import { isRefusal, type Refusal } from "../../runtime/refusal.ts";
import type { OperationContext } from "../catalogue.ts";
import { awaitedCount } from "../deployment/awaited-replicas.ts";
import { budgetOf } from "../deployment/budget.ts";
import { requirementsOf } from "../deployment/messages.ts";
import type { Foreseen, Foresight, Wish } from "../scheduler/contract.ts";
import type { DeploymentView } from "../views.ts";
import type { Member } from "./commands.ts";

/** Where replicas would go: the part of a stack's plan that the scheduler knows. */

const FORESIGHT_TIMEOUT_MS = 5_000;

/** A member as it is to be, beside what it is. */
interface Planned {
  readonly member: Member;
  readonly view: DeploymentView | undefined;
  readonly change: string;
  /** Absent: its replicas stay. */
  readonly replaces?: object | undefined;
}

/** The scheduler is asked, and books nothing. */
export async function foreseenFor(
  members: readonly Planned[],
  { host, tenant, meta }: OperationContext,
): Promise<ReadonlyMap<string, Foreseen> | Refusal> {
  const wishes = members.flatMap((item) => wishOf(item) ?? []);
  if (wishes.length === 0) return new Map();
  const question: Foresight = { kind: "foresee", wishes };
  const reply = await host.ask(addressOf(tenant, "scheduler"), question, meta, { timeoutMs: FORESIGHT_TIMEOUT_MS });
  if (isRefusal(reply)) return reply;
  const answers = reply.value as readonly Foreseen[];
  return new Map(answers.map((answer) => [answer.deployment, answer]));
}

function wishOf({ member, view, change, replaces }: Planned): Wish | undefined {
  const { deployment, replicas, template, platforms } = member;
  const isGlobal = template.mode === "global";
  // Those on lost nodes stay where they are, or are given up.
  const missed = view === undefined ? 0 : awaitedCount(view);
  const movable = template.partition === "wait" ? Math.max(0, replicas - missed) : replicas;
  const wish = { deployment, requirements: requirementsOf(template, platforms), replicas: isGlobal ? "one-per-node" : movable } as const;
  if (change === "create") return { ...wish, replaces: "nothing" };
  if ((change !== "change" && change !== "restart") || view === undefined) return undefined;
  if (replaces !== undefined) return { ...wish, replaces: budgetOf(template, replicas).maxSurge === 0 ? "old-first" : "new-first" };
  const isStopped = view.status === "stopped";
  if (isGlobal) return isStopped ? { ...wish, replaces: "nothing" } : undefined;
  const further = movable - (isStopped ? 0 : view.replicas - missed);
  return further > 0 ? { ...wish, replicas: further, replaces: "nothing" } : undefined;
}
