import { beginRepeat } from "./begin.ts";
import { diff } from "./change.ts";
import type { ChangeKind } from "./contract.ts";
import type { Draft } from "./draft.ts";
import { contentOf, revisionOf, templateOf } from "./replica.ts";
import type { DeploymentState } from "./state.ts";
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
  const target = provenContent(draft.state, rollout.change);
  if (target === undefined) {
    draft.add({ type: "rollout.ended", id: rollout.id, outcome: "failed", reason: verdict.reason });
    return;
  }
  draft.add({ type: "rollout.ended", id: rollout.id, outcome: "rolled-back", reason: verdict.reason });
  const changes = diff(templateOf(draft.state, contentOf(draft.state, rollout.revision)), templateOf(draft.state, target));
  beginRepeat(draft, target, {
    change: "automatic-rollback",
    diff: changes,
    cause: verdict.reason,
    by: "odysseus",
    via: "system",
  });
}

const CAN_ROLL_BACK: ReadonlySet<ChangeKind> = new Set(["update", "rollback", "restart"]);

/** Content of the last revision that succeeded, unless it is the one that fails: repeating that would loop. */
function provenContent(state: DeploymentState, change: ChangeKind): number | undefined {
  const failing = revisionOf(state, state.revision);
  const proven = revisionOf(state, state.succeeded);
  if (!CAN_ROLL_BACK.has(change) || failing === undefined || proven === undefined) return undefined;
  // Going back would run the older job again, which nobody asked for.
  if (failing.template.run === "job") return undefined;
  if (failing.template.rollout.onFailure !== "rollback" || failing.contentOf === proven.contentOf) return undefined;
  return proven.contentOf;
}
