import { excuseOf } from "../../../actors/deployment/excuses.ts";
import { templateOf } from "../../../actors/deployment/replica.ts";
import { slotViews } from "../../../actors/deployment/slot-views.ts";
import type { DeploymentState } from "../../../actors/deployment/state.ts";
import { revisionOf, targetAt } from "../../../actors/stack/target.ts";
import type { SimNode } from "../sim-node.ts";
import type { DeploymentStep, StackStep } from "../truth.ts";
import type { Report } from "../violation.ts";
import { endsWell, isReliable, servingNow } from "./observation.ts";

const WITHOUT_ROOM = /no node (could take it|was chosen|took it)/;

/** While nothing is sabotaged: what works is rolled out wherever there is room for it, and a success is seen from outside, too. */
export function checkCalmOutcome({ before, event, atMs }: DeploymentStep, nodes: readonly SimNode[], report: Report): void {
  if (event.type !== "rollout.ended" || event.outcome === "superseded" || before.mode !== "running") return;
  const templates = wanted(before).map((content) => templateOf(before, content));
  if (!templates.every((template) => isReliable(template) || endsWell(template))) return;
  const what = `${before.name}, rollout ${event.id} (${before.rollout?.change ?? "?"})`;
  if (event.outcome !== "succeeded") {
    if (!WITHOUT_ROOM.test(event.reason ?? ""))
      report("what works is rolled out", `${what} ${event.outcome}: ${event.reason ?? "no reason"}`);
    return;
  }
  // Of replicas that it found and left alone it says nothing.
  if (!templates.every(isReliable) || before.rollout?.spares === true) return;
  const serving = servingNow(before, nodes);
  const owed = slotViews(before).filter((view) => excuseOf(before, view, atMs) === undefined).length;
  if (serving < owed) report("a rollout that succeeded did", `${what}: ${serving} of ${owed} serve`);
}

/** While nothing is sabotaged a stack of what works becomes what was asked for, wherever there is room for it. */
export function checkCalmStack({ before, event }: StackStep, report: Report): void {
  if (event.type !== "stack.rollout-ended" || event.outcome === "superseded" || event.outcome === "succeeded") return;
  const { members } = targetAt(before, revisionOf(before, before.revision));
  if (!members.every(({ template }) => isReliable(template) || endsWell(template)) || WITHOUT_ROOM.test(event.reason ?? "")) return;
  report(
    "what works is rolled out",
    `stack ${before.name}, rollout ${event.id} (${before.rollout?.change}) ${event.outcome}: ${event.reason}`,
  );
}

/** Contents the deployment is meant to run. */
function wanted({ slots, revisions, revision }: DeploymentState): readonly number[] {
  const numbers = [revision, ...Object.values(slots).map((slot) => slot.revision)];
  return revisions.flatMap(({ number, contentOf }) => (numbers.includes(number) ? [contentOf] : []));
}
