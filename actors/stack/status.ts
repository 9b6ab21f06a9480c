import { oneSentence } from "../deployment/sentence.ts";
import type { StackState } from "./state.ts";
import { stepsOf, targetOf } from "./steps.ts";
import { waitWords } from "./advance.ts";
import type { StackView } from "./views.ts";

type Line = Pick<StackView, "status" | "reason">;

/** The only place where a stack's status is decided. */
export function statusOf(state: StackState, nowMs: number): Line {
  const { rollout, mode } = state;
  if (rollout?.outcome === "in-progress") {
    const steps = stepsOf(state, rollout, nowMs);
    const open = steps.filter(({ progress }) => progress.kind !== "done");
    const reason = oneSentence(`${steps.length - open.length} of ${steps.length} done; ${open.map(waitWords).join(", ")}`);
    if (mode === "deleting") return { status: "deleting", reason };
    return { status: rollout.change === "rollback" || rollout.change === "automatic-rollback" ? "rolling-back" : "deploying", reason };
  }
  if (mode === "deleting") return { status: "deleting", reason: rollout?.reason ?? "its members are being removed" };
  if (rollout?.outcome === "failed")
    return { status: "failed", reason: oneSentence(`${rollout.change} failed: ${rollout.reason ?? "no reason known"}`) };
  return settledStatus(state);
}

function settledStatus(state: StackState): Line {
  const records = targetOf(state).map(({ deployment }) => ({ deployment, standing: state.members[deployment]?.standing }));
  const unwell = records.filter(({ standing }) => standing?.reached !== "healthy" && standing?.reached !== "completed");
  if (unwell.length > 0)
    return { status: "degraded", reason: oneSentence(`not well: ${unwell.map(({ deployment }) => deployment).join(", ")}`) };
  const drifted = records.filter(({ standing }) => standing?.asOrdered === false);
  if (drifted.length > 0)
    return {
      status: "drifted",
      reason: oneSentence(`changed since the stack was: ${drifted.map(({ deployment }) => deployment).join(", ")}`),
    };
  return { status: "running", reason: `${records.length} members are well` };
}
