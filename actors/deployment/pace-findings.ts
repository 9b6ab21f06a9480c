import { ageText } from "../../runtime/age-text.ts";
import { budgetOf } from "./budget.ts";
import type { PinnedTemplate } from "./contract.ts";

/** What a plan should say of how long an update takes, in sentences. How many nodes a global deployment is on is not known here. */
export function paceFindings(template: PinnedTemplate, replicas: number): readonly string[] {
  const { delayMs, minHealthyMs, wholeDeadlineMs } = template.rollout;
  if (!(delayMs > 0) || replicas === 0 || template.mode === "global") return [];
  const { maxSurge, maxUnavailable } = budgetOf(template, replicas);
  const batches = Math.ceil(replicas / (maxSurge + maxUnavailable));
  const leastMs = batches * minHealthyMs + (batches - 1) * delayMs;
  if (leastMs < wholeDeadlineMs) return [];
  return [
    `An update takes ${ageText(leastMs)} at least, with its pauses of ${ageText(delayMs)}, and fails after ${ageText(wholeDeadlineMs)}: give it a later deadline (wholeDeadlineMs), shorter pauses, or more replicas at once.`,
  ];
}
