import type { RefusalTraits } from "../runtime/refusal.ts";
import { actorOperations } from "./actor/operations.ts";
import { actorRefusals } from "./actor/refusals.ts";
import { auditReads } from "./audit/operations.ts";
import type { Operation } from "./catalogue.ts";
import { certificateReads } from "./certificate/operations.ts";
import { certificateWrites } from "./certificate/operations-write.ts";
import { certificateRefusals } from "./certificate/refusals.ts";
import { containerReads } from "./container/operations.ts";
import { containerRefusals } from "./container/refusals.ts";
import { deploymentReads } from "./deployment/operations.ts";
import { deploymentWrites } from "./deployment/operations-write.ts";
import { deploymentRefusals } from "./deployment/refusals.ts";
import { fileRefusals } from "./deployment/seal-files.ts";
import { imageRefusals } from "./deployment/resolve-image.ts";
import { eventReads } from "./event/operations.ts";
import { eventRefusals } from "./event/refusals.ts";
import { hostNameRefusals } from "./host-name/refusals.ts";
import { ingressReads } from "./ingress/operations.ts";
import { ingressWrites } from "./ingress/operations-write.ts";
import { ingressRefusals } from "./ingress/refusals.ts";
import { nodeReads } from "./node/operations.ts";
import { nodeWrites } from "./node/operations-write.ts";
import { nodeRefusals } from "./node/refusals.ts";
import { stackReads } from "./stack/operations.ts";
import { stackWrites } from "./stack/operations-write.ts";
import { stackRefusals } from "./stack/refusals.ts";
import { volumeOperations } from "./volume/operations.ts";
import { volumeRefusals } from "./volume/refusals.ts";

/** The operation catalogue. Adding a capability is adding one entry to one of these lists. */
export const operations: readonly Operation[] = [
  ...deploymentReads,
  ...deploymentWrites,
  ...stackReads,
  ...stackWrites,
  ...containerReads,
  ...nodeReads,
  ...nodeWrites,
  ...volumeOperations,
  ...ingressReads,
  ...ingressWrites,
  ...certificateReads,
  ...certificateWrites,
  ...eventReads,
  ...auditReads,
  ...actorOperations,
];

/** Every refusal an operation may answer with, by code. */
export const operationRefusals: Readonly<Record<string, RefusalTraits>> = {
  ...deploymentRefusals,
  ...stackRefusals,
  ...imageRefusals,
  ...fileRefusals,
  ...containerRefusals,
  ...nodeRefusals,
  ...volumeRefusals,
  ...ingressRefusals,
  ...hostNameRefusals,
  ...certificateRefusals,
  ...eventRefusals,
  ...actorRefusals,
};
