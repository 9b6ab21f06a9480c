import { NoRespondersError, RequestError, TimeoutError, type Msg } from "nats";
import { BusFailure, type BusFailureReason } from "./bus.ts";

/** On an answer that says that there is none. */
export const REASON_HEADER = "Ody-Failure";

export function reasonOfAnswer(answer: Msg): BusFailureReason | undefined {
  const reason = answer.headers?.get(REASON_HEADER);
  if (reason === undefined || reason === "") return undefined;
  return reason === "too-large" ? "too-large" : "handler-failed";
}

/** What the client library reports, in the words of the port. A subject one may not use has nobody who answers. */
export function failureOf(error: unknown, subject: string): BusFailure {
  if (error instanceof TimeoutError) return new BusFailure("timeout", subject, error);
  const isUnanswerable = error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders());
  const isForbidden = error instanceof Error && error.name === "PermissionViolationError";
  return new BusFailure(isUnanswerable || isForbidden ? "no-responder" : "disconnected", subject, error);
}
