import type { PinnedTemplate } from "../../../actors/deployment/contract.ts";
import { wantedSlots } from "../../../actors/deployment/global.ts";
import type { DeploymentState } from "../../../actors/deployment/state.ts";
import { LABEL } from "../../../agent/labels.ts";
import type { SimNode } from "../sim-node.ts";

const NEVER_HEALTHY = /^sim\/(crash|oom|nocommand|arm|missing)\b/;

/** Whether replicas of it become and stay healthy where nothing goes wrong. What is meant to end is not there to be relied on. */
export function isReliable(template: PinnedTemplate): boolean {
  const { image, health } = template;
  return !isEnding(template) && !NEVER_HEALTHY.test(image.reference) && !(image.reference.startsWith("sim/sick") && health !== undefined);
}

/** Whether replicas of it are done when their process has ended. */
export function isEnding({ run, restart }: PinnedTemplate): boolean {
  return run === "job" || restart.condition !== "any";
}

/** Whether replicas of it end as they are meant to where nothing goes wrong. */
export function endsWell(template: PinnedTemplate): boolean {
  return isEnding(template) && template.image.reference.startsWith("sim/job");
}

/** Slots of the deployment that really serve at this moment and will go on serving, as seen from outside of the platform. */
export function servingNow(state: DeploymentState, nodes: readonly SimNode[]): number {
  const wanted = new Set(wantedSlots(state));
  const slots = new Set<number>();
  for (const node of nodes) {
    for (const { labels, containerId, state: doing } of node.ours()) {
      const slot = Number(labels[LABEL.slot]);
      if (doing !== "running" || labels[LABEL.deployment] !== state.name || !wanted.has(slot) || slots.has(slot)) continue;
      const content = Number(labels[LABEL.revision]);
      const template = state.revisions.find(({ contentOf }) => contentOf === content)?.template;
      if (template === undefined || !isReliable(template)) continue;
      if (template.health === undefined || node.engine.probe(containerId) === "healthy") slots.add(slot);
    }
  }
  return slots.size;
}
