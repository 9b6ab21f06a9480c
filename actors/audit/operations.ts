import { z } from "zod";
import type { AuditEntry } from "../../runtime/journal.ts";
import { defineOperation, type Operation } from "../catalogue.ts";
import { page, pageOf, paging, TimeMs } from "../paging.ts";
import { AUDITORS } from "../read-roles.ts";

/** One decision: who, via what, what, when, with which outcome, before and after. */
export const AuditView = z.object({
  /** Position in the tenant's audit log, from 1, without gaps. */
  number: z.int(),
  atMs: z.number(),
  operation: z.string(),
  /** Address of what it concerns: `acme/deployment/web`. */
  resource: z.string(),
  outcome: z.enum(["accepted", "refused"]),
  /** Code of the refusal. */
  reason: z.string().optional(),
  by: z.string(),
  byKind: z.enum(["user", "key", "system"]),
  role: z.string(),
  via: z.string(),
  correlationId: z.string(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});
export type AuditView = z.infer<typeof AuditView>;

function auditView({ meta, ...entry }: AuditEntry): AuditView {
  return {
    ...entry,
    by: meta.principal.id,
    byKind: meta.principal.kind,
    role: meta.principal.role,
    via: meta.via,
    correlationId: meta.correlationId,
  };
}

/** Reading operations of the audit. */
export const auditReads: readonly Operation[] = [
  defineOperation({
    name: "audit.list",
    title: "List who did what",
    description: "Every decision with its author, the surface it came by, its outcome, and what changed; newest first.",
    input: z.strictObject({
      resource: z.string().max(200).optional().describe("Address of what was acted on, like acme/deployment/web."),
      operation: z.string().max(100).optional().describe("Name of the operation, like deployments.scale."),
      by: z.string().max(200).optional().describe("Author."),
      outcome: z.enum(["accepted", "refused"]).optional(),
      sinceMs: TimeMs.optional().describe("Not before, in milliseconds since 1970."),
      untilMs: TimeMs.optional().describe("Not after, in milliseconds since 1970."),
      ...paging,
      cursor: paging.cursor.refine(
        (text) => text === undefined || /^[0-9]{1,15}$/.test(Buffer.from(text, "base64url").toString()),
        "is not a cursor of this list",
      ),
    }),
    output: pageOf(AuditView),
    roles: AUDITORS,
    errors: [],
    http: { method: "GET", path: "/audit" },
    example: "audit",
    effect: "read",
    handle: async ({ by, ...query }, context) => {
      const given = Object.fromEntries(Object.entries({ ...query, principalId: by }).filter(([, value]) => value !== undefined));
      const found = await context.reads.audit({ limit: query.limit, ...given });
      return page(found.items.map(auditView), found.next, found.asOfOffset);
    },
  }),
];
