import { fewOf, oneSentence } from "../deployment/sentence.ts";
import type { StackState } from "./state.ts";
import { recordOf, type MemberRecord } from "./records.ts";
import { stepsOf, type Step } from "./steps.ts";
import { targetOf } from "./target.ts";
import { waitWords } from "./advance.ts";
import type { StackView } from "./views.ts";

type Line = Pick<StackView, "status" | "reason">;

/** The only place where a stack's status is decided. */
export function statusOf(state: StackState): Line {
  const { rollout, mode } = state;
  if (rollout?.outcome === "in-progress") {
    const steps = stepsOf(state);
    const open = steps.filter(({ progress }) => progress.kind !== "done");
    const [begun, waiting] = [open.filter(({ progress }) => progress.kind !== "waiting"), open.filter(isWaiting)];
    const reason = oneSentence(`${steps.length - open.length} of ${steps.length} done; ${fewOf([...begun, ...waiting], waitWords)}`);
    if (mode === "deleting") return { status: "deleting", reason };
    return { status: rollout.change === "rollback" || rollout.change === "automatic-rollback" ? "rolling-back" : "deploying", reason };
  }
  if (mode === "deleting") return { status: "deleting", reason: rollout?.reason ?? "its members are being removed" };
  if (rollout?.outcome === "failed")
    return { status: "failed", reason: oneSentence(`${rollout.change} failed: ${rollout.reason ?? "no reason known"}`) };
  return settledStatus(state);
}

function isWaiting({ progress }: Step): boolean {
  return progress.kind === "waiting";
}

function settledStatus(state: StackState): Line {
  const records = targetOf(state).members.map(({ deployment }) => ({
    deployment,
    standing: recordOf(state.members, deployment)?.standing,
  }));
  const unwell = records.filter(({ standing }) => standing?.reached !== "healthy" && standing?.reached !== "completed");
  if (unwell.length > 0) return { status: "degraded", reason: oneSentence(`not well: ${fewOf(unwell, unwellWords)}`) };
  const drifted = records.filter(({ standing }) => standing?.asOrdered === false);
  if (drifted.length > 0)
    return {
      status: "drifted",
      reason: oneSentence(`changed since the stack was: ${fewOf(drifted, ({ deployment }) => deployment)}`),
    };
  return { status: "running", reason: records.length === 1 ? "its member is well" : `${records.length} members are well` };
}

/** Whoever was stopped is not ill. */
function unwellWords({ deployment, standing }: Pick<MemberRecord, "deployment" | "standing">): string {
  const mode = standing?.mode ?? "absent";
  return mode === "running" ? deployment : `${deployment} (${MODE_WORDS[mode]})`;
}

export const MODE_WORDS = { absent: "not there", stopped: "stopped", deleting: "being deleted" } as const;
