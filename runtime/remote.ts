import { AskFailure, type AskFailureReason, type Reply } from "./actor.ts";
import { subjectOf, type Address } from "./address.ts";
import { BusFailure, type Bus, type BusFailureReason, type Subscription } from "./bus.ts";
import { decodeAnswer, decodeEnvelope, encodeEnvelope, encodeFailure, encodeReply } from "./envelope.ts";
import { runtimeRefusals } from "./errors.ts";
import type { Meta } from "./journal.ts";

const ASK_FAILURES: Readonly<Record<BusFailureReason, AskFailureReason>> = {
  "no-responder": "stopped",
  timeout: "timeout",
  disconnected: "stopped",
  closed: "stopped",
  "handler-failed": "crashed",
  "too-large": "crashed",
};

/** Asks an actor of another process. Rejects only with `AskFailure`; its cause is the `BusFailure`, if the bus was it. */
export async function askOverBus(
  bus: Bus,
  to: Address,
  message: unknown,
  meta: Meta,
  options: { readonly timeoutMs: number },
): Promise<Reply> {
  const answer = await bus.request(subjectOf(to), encodeEnvelope(message, meta), options).then(decodeAnswer, (error: unknown) => {
    if (error instanceof BusFailure) throw new AskFailure(ASK_FAILURES[error.reason], to, error);
    throw error;
  });
  if (answer.kind === "failure") throw new AskFailure(answer.reason, to);
  return answer.reply;
}

export function tellOverBus(bus: Bus, to: Address, message: unknown, meta: Meta): void {
  bus.publish(subjectOf(to), encodeEnvelope(message, meta));
}

/** No address and no name of a person begins so. */
const BUS_PRINCIPAL = "bus:";

/** Whether a message came from another process: its sender calls itself what it likes, and only the broker knows who may write to the subject. */
export function isFromBus({ principal }: Meta): boolean {
  return principal.id.startsWith(BUS_PRINCIPAL);
}

/** Answers what other processes ask on a subject. Malformed envelopes are refused before `receive` sees them. */
export function serveOverBus(
  bus: Bus,
  subject: string,
  receive: (message: unknown, meta: Meta, subject: string) => Promise<Reply>,
): Subscription {
  return bus.serve(subject, async (payload, subject) => {
    const decoded = decodeEnvelope(payload);
    if (decoded.kind === "malformed") return encodeReply(runtimeRefusals["message.malformed"]({ reason: decoded.reason }));
    try {
      return encodeReply(await receive(decoded.message, fromBus(decoded.meta), subject));
    } catch (error) {
      if (error instanceof AskFailure) return encodeFailure(error.reason);
      throw error;
    }
  });
}

function fromBus(meta: Meta): Meta {
  return { ...meta, principal: { ...meta.principal, id: `${BUS_PRINCIPAL}${meta.principal.id}` } };
}
