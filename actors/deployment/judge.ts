import { diff } from "./change.ts";
import type { ChangeKind, FieldChange } from "./contract.ts";
import type { Draft } from "./draft.ts";
import { contentOf, revisionOf, templateOf } from "./replica.ts";
import type { Author, DeploymentState } from "./state.ts";
import { verdictOf } from "./verdict.ts";

/** Ends the rollout when it is due, and begins the way back when the policy says so. */
export function judge(draft: Draft): void {
  const { rollout, mode, placements } = draft.state;
  if (rollout === undefined || rollout.outcome !== "in-progress") {
    // The last replica may stop long after the deletion's deadline has passed.
    if (mode === "deleting" && Object.keys(placements).length === 0) draft.add({ type: "deployment.deleted" });
    return;
  }
  const verdict = verdictOf(draft.state, draft.nowMs, draft.views);
  if (verdict.kind === "in-progress") return;
  if (verdict.kind === "succeeded") {
    draft.add({ type: "rollout.ended", id: rollout.id, outcome: "succeeded", reason: verdict.reason });
    if (draft.state.mode === "deleting") draft.add({ type: "deployment.deleted" });
    return;
  }
  const target = rollbackTarget(draft.state, rollout.change);
  if (target === undefined) {
    draft.add({ type: "rollout.ended", id: rollout.id, outcome: "failed", reason: verdict.reason });
    return;
  }
  draft.add({ type: "rollout.ended", id: rollout.id, outcome: "rolled-back", reason: verdict.reason });
  const changes = diff(templateOf(draft.state, contentOf(draft.state, rollout.revision)), templateOf(draft.state, target));
  beginRevision(draft, {
    contentOf: target,
    change: "automatic-rollback",
    diff: changes,
    cause: verdict.reason,
    by: "odysseus",
    via: "system",
  });
}

const CAN_ROLL_BACK: ReadonlySet<ChangeKind> = new Set(["update", "rollback", "restart"]);

/** Content of the last revision that succeeded, unless it is the one that fails: repeating that would loop. */
function rollbackTarget(state: DeploymentState, change: ChangeKind): number | undefined {
  const failing = revisionOf(state, state.revision);
  const proven = revisionOf(state, state.succeeded);
  if (!CAN_ROLL_BACK.has(change) || failing === undefined || proven === undefined) return undefined;
  // Going back would run the older job again, which nobody asked for.
  if (failing.template.run === "job") return undefined;
  if (failing.template.rollout.onFailure !== "rollback" || failing.contentOf === proven.contentOf) return undefined;
  return proven.contentOf;
}

/** A revision that repeats an older one's content, and the rollout towards it. */
export function beginRevision(
  draft: Draft,
  {
    contentOf: content,
    ...rollout
  }: { readonly contentOf: number; readonly change: ChangeKind; readonly diff: readonly FieldChange[]; readonly cause?: string } & Author,
): void {
  const source = revisionOf(draft.state, content) ?? draft.state.revisions.find((revision) => revision.contentOf === content);
  if (source === undefined) throw new Error(`${draft.state.name}: content ${content} is not known`);
  const number = (draft.state.revisions.at(-1)?.number ?? 0) + 1;
  draft.add({ type: "revision.created", number, contentOf: content, template: source.template, platforms: source.platforms });
  const deadlineAtMs = draft.nowMs + source.template.rollout.wholeDeadlineMs;
  draft.add({ type: "rollout.started", revision: number, deadlineAtMs, ...rollout });
}
