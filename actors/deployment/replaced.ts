import { z } from "zod";
import type { DeploymentView } from "../views.ts";
import { replacingFields } from "./carried.ts";
import { PinnedTemplate } from "./contract.ts";
import { fewOf } from "./sentence.ts";

/** What a change would do to the replicas that are there. */
export const Replaced = z.object({
  /** How many are replaced, one after the other; 0: none is, or none runs. */
  replicas: z.number(),
  /** `image changed`: what they carry and cannot take on. Or why they stay. */
  because: z.string(),
});
export type Replaced = z.infer<typeof Replaced>;

export const NONE_REPLACED: Replaced = { replicas: 0, because: "nothing that replicas carry changes" };

/** What a deployment is now, as a revision would say it. */
export function presentTemplate({ spec, image }: DeploymentView): PinnedTemplate {
  const { replicas: _replicas, ...template } = spec;
  return PinnedTemplate.parse({ ...template, image });
}

/** Undefined: its replicas stay as they are. */
export function replacedBy(view: DeploymentView, template: PinnedTemplate): Replaced | undefined {
  const fields = replacingFields(presentTemplate(view), template);
  return fields.length === 0 ? undefined : { replicas: runningReplicas(view), because: `${fewOf(fields)} changed` };
}

export function runningReplicas({ status, replicas }: Pick<DeploymentView, "status" | "replicas">): number {
  return status === "stopped" || status === "stopping" ? 0 : replicas;
}
