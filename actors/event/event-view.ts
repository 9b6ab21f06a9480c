import { z } from "zod";
import { addressOf, partsOf } from "../../runtime/address.ts";
import type { Address } from "../../runtime/address.ts";
import type { StoredEvent } from "../../runtime/journal.ts";
import { maskedData } from "../deployment/masking.ts";

/** One thing that happened, as it stands in the journal. */
export const EventView = z.object({
  /** Position in the tenant's journal; only grows. */
  offset: z.int(),
  /** Address of the actor it happened to: `acme/deployment/web`. */
  stream: z.string(),
  /** `deployment`, `node`, `scheduler`, `tenant`. */
  kind: z.string(),
  /** Name of the deployment or node; empty where there is only one. */
  name: z.string(),
  /** Noun and past tense: `placement.assigned`. */
  type: z.string(),
  atMs: z.number(),
  by: z.string(),
  via: z.string(),
  correlationId: z.string(),
  /** Values of secrets are masked. */
  data: z.unknown(),
});
export type EventView = z.infer<typeof EventView>;

export function eventView({ offset, stream, type, atMs, meta, data }: StoredEvent): EventView {
  const { kind, name } = partsOf(stream);
  return {
    offset,
    stream,
    kind,
    name,
    type,
    atMs,
    by: meta.principal.id,
    via: meta.via,
    correlationId: meta.correlationId,
    data: maskedData(data),
  };
}

/** The stream to look at, when only one is asked for. */
export function streamOf(tenant: string, deployment: string | undefined, node: string | undefined): Address | undefined {
  if (deployment !== undefined) return addressOf(tenant, "deployment", deployment);
  return node === undefined ? undefined : addressOf(tenant, "node", node);
}
