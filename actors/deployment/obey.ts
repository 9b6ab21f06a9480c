import type { DecideContext } from "../../runtime/actor.ts";
import { isRefusal, type Refusal } from "../../runtime/refusal.ts";
import type { Draft } from "./draft.ts";
import type { ChangeReply, StackOrder, Wanted } from "./commands.ts";
import { replacingRollout } from "./membership.ts";
import { become, create, recount, repeat, restart, switchMode } from "./person.ts";
import { deploymentRefusals as refusals } from "./refusals.ts";
import { contentOf, revisionOf } from "./replica.ts";
import type { Revision } from "./state.ts";

/**
 * Does what a stack asks of its member, as if the person who asked the stack had asked for it. Undefined: nothing had to be done. A deployment that
 * stands alone becomes a member; one of another stack stays what it is.
 */
export function obey(draft: Draft, order: StackOrder, context: DecideContext): ChangeReply | Refusal | undefined {
  const { name, mode, membership } = draft.state;
  if (membership !== undefined && membership.stack === order.stack && order.order <= membership.order) return undefined;
  if (mode !== "absent" && membership !== undefined && membership.stack !== order.stack)
    return refusals["deployment.of-another-stack"]({ name, stack: membership.stack, wanted: order.stack });
  if (mode === "deleting" && order.want.kind === "content") return refusals["deployment.deleting"]({ name });
  const { principal, via } = order.author;
  const onBehalf: DecideContext = { ...context, meta: { ...context.meta, principal, via } };
  const reply = carryOut(draft, order, onBehalf);
  if (reply !== undefined && isRefusal(reply)) return reply;
  draft.add({ type: "membership.ordered", stack: order.stack, order: order.order, wants: order.want.kind });
  return reply;
}

function carryOut(draft: Draft, { want, stack }: StackOrder, context: DecideContext): ChangeReply | Refusal | undefined {
  const { name, mode, membership } = draft.state;
  switch (want.kind) {
    case "content":
      return changeTo(draft, want, context);
    case "restart":
      if (mode === "absent") return refusals["deployment.not-found"]({ name });
      return membership === undefined ? refusals["deployment.of-no-stack"]({ name, stack }) : restart(draft, context);
    case "gone":
      return mode === "absent" ? undefined : switchMode(draft, "deleting", "delete", context);
  }
}

function changeTo(draft: Draft, { wanted, revision, restart: again }: Content, context: DecideContext): ChangeReply | Refusal {
  const before = draft.state.generation;
  const reply = join(draft, wanted, revision, context);
  if (again !== true || isRefusal(reply) || (replacingRollout(draft.state) ?? 0) > before) return reply;
  return restart(draft, context);
}

function join(draft: Draft, wanted: Wanted, link: number | undefined, context: DecideContext): ChangeReply | Refusal {
  if (draft.state.mode === "absent") return create(draft, wanted, context);
  if (draft.state.mode === "stopped") switchMode(draft, "running", "start", context);
  const linked = link === undefined ? undefined : revisionOf(draft.state, link);
  if (linked === undefined || !isSame(linked, wanted) || linked.contentOf === contentOf(draft.state, draft.state.revision))
    return become(draft, wanted.template, wanted.platforms, wanted.replicas, context);
  recount(draft, wanted.template, wanted.replicas);
  return repeat(draft, linked, context);
}

type Content = Extract<StackOrder["want"], { kind: "content" }>;

/** A deployment that was deleted and made anew has other revisions under the old numbers. */
function isSame(revision: Revision, { template }: Wanted): boolean {
  return JSON.stringify(revision.template) === JSON.stringify(template);
}
