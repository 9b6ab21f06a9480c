import { z } from "zod";
import type { AskFailureReason, Reply } from "./actor.ts";
import type { Meta } from "./journal.ts";

/** How messages between actors of different processes look on the bus. Every request is answered with a `WireAnswer`. */

const Principal = z.strictObject({
  kind: z.enum(["user", "key", "system"]),
  id: z.string().min(1).max(200),
  role: z.enum(["admin", "operator", "developer", "read-only", "system"]),
});

/** A message and all that is known about it besides its content. */
export const Envelope = z.strictObject({
  envelope: z.strictObject({
    message: z.unknown().optional(),
    meta: z.strictObject({
      commandId: z.string().min(1).max(200),
      principal: Principal,
      via: z.enum(["api", "cli", "dashboard", "mcp", "athena", "system"]),
      correlationId: z.string().min(1).max(200),
    }),
  }),
});
export type Envelope = z.infer<typeof Envelope>;

const WireRefusal = z.strictObject({
  kind: z.literal("refusal"),
  code: z.string(),
  httpStatus: z.int(),
  retryable: z.boolean(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
});

/** `reply`: the receiver answered. `failure`: it did not get to. */
export const WireAnswer = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("reply"),
    reply: z.discriminatedUnion("kind", [z.strictObject({ kind: z.literal("ok"), value: z.unknown().optional() }), WireRefusal]),
  }),
  z.strictObject({
    kind: z.literal("failure"),
    reason: z.enum(["timeout", "stopped", "mailbox-full", "quarantined", "crashed", "not-owner", "unknown-kind"]),
  }),
]);
export type WireAnswer = z.infer<typeof WireAnswer>;

export function encodeEnvelope(message: unknown, meta: Meta): Envelope {
  return { envelope: { message, meta } };
}

export type DecodedEnvelope =
  | { readonly kind: "envelope"; readonly message: unknown; readonly meta: Meta }
  | { readonly kind: "malformed"; readonly reason: string };

/** Only actors speak over the bus: a sender that claims to be a person is refused. */
export function decodeEnvelope(payload: unknown): DecodedEnvelope {
  const parsed = Envelope.safeParse(payload);
  if (!parsed.success) return { kind: "malformed", reason: z.prettifyError(parsed.error) };
  const { message, meta } = parsed.data.envelope;
  if (meta.principal.kind !== "system" || meta.principal.role !== "system" || meta.via !== "system") {
    return { kind: "malformed", reason: "a message from another process speaks for the system only" };
  }
  return { kind: "envelope", message, meta };
}

export function encodeReply(reply: Reply): WireAnswer {
  if (reply.kind === "ok") return { kind: "reply", reply: { kind: "ok", value: reply.value } };
  const { kind, code, httpStatus, retryable, message, details } = reply;
  return { kind: "reply", reply: { kind, code, httpStatus, retryable, message, ...(details === undefined ? {} : { details }) } };
}

export function encodeFailure(reason: AskFailureReason): WireAnswer {
  return { kind: "failure", reason };
}

/** Throws on an answer that is none: a bug, or another version's. */
export function decodeAnswer(
  payload: unknown,
): { readonly kind: "reply"; readonly reply: Reply } | { readonly kind: "failure"; readonly reason: AskFailureReason } {
  const answer = WireAnswer.parse(payload);
  if (answer.kind === "failure") return answer;
  if (answer.reply.kind === "ok") return { kind: "reply", reply: { kind: "ok", value: answer.reply.value } };
  const { details, ...refusal } = answer.reply;
  return { kind: "reply", reply: details === undefined ? refusal : { ...refusal, details } };
}
