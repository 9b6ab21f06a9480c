import type { Draft } from "./draft.ts";
import { honoured, type Rule } from "./fields.ts";
import type { Place, Reading } from "./reading.ts";

/** `deploy.mode`. Read after `replicas` and `placement`. */
export const modeRule: Rule<Draft> = honoured((reading, at, draft) => {
  const mode = reading.oneOf(at, ["replicated", "replicated-job", "global", "global-job"]);
  if (mode === "global" || mode === "global-job") becomeGlobal(reading, at, draft);
  if (mode === "replicated-job" || mode === "global-job") draft.becomeJob(reading, at, "on-failure");
});

function becomeGlobal(reading: Reading, at: Place, draft: Draft): void {
  draft.set("mode", "global", at);
  const { replicas, maxReplicasPerNode = 0 } = draft.spec;
  for (const counted of [...(replicas === undefined ? [] : ["replicas"]), ...(maxReplicasPerNode === 0 ? [] : ["maxReplicasPerNode"])])
    reading.findings.error(
      "conflict",
      draft.origins.get(counted) ?? at,
      "A global service has one replica on every node that fits, and no number of them.",
      "leave it out, or write mode: replicated.",
    );
}
