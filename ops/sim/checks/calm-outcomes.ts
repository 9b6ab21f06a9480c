import { templateOf } from "../../../actors/deployment/replica.ts";
import type { DeploymentState } from "../../../actors/deployment/state.ts";
import type { SimNode } from "../sim-node.ts";
import type { DeploymentStep } from "../truth.ts";
import type { Report } from "../violation.ts";
import { isReliable, servingNow } from "./observation.ts";

const WITHOUT_ROOM = /no node (could take it|was chosen)/;

/** While nothing is sabotaged: what works is rolled out wherever there is room for it, and a success is seen from outside, too. */
export function checkCalmOutcome({ before, event }: DeploymentStep, nodes: readonly SimNode[], report: Report): void {
  if (event.type !== "rollout.ended" || event.outcome === "superseded" || before.mode !== "running") return;
  if (!wanted(before).every((content) => isReliable(templateOf(before, content)))) return;
  const what = `${before.name}, rollout ${event.id} (${before.rollout?.change ?? "?"})`;
  if (event.outcome !== "succeeded") {
    if (!WITHOUT_ROOM.test(event.reason ?? ""))
      report("what works is rolled out", `${what} ${event.outcome}: ${event.reason ?? "no reason"}`);
    return;
  }
  const serving = servingNow(before, nodes);
  if (serving < before.replicas) report("a rollout that succeeded did", `${what}: ${serving} of ${before.replicas} serve`);
}

/** Contents the deployment is meant to run. */
function wanted({ slots, revisions, revision }: DeploymentState): readonly number[] {
  const numbers = [revision, ...Object.values(slots).map((slot) => slot.revision)];
  return revisions.flatMap(({ number, contentOf }) => (numbers.includes(number) ? [contentOf] : []));
}
