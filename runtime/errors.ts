import { defineRefusals, type Refusal } from "./refusal.ts";
import type { CommitResult } from "./journal.ts";

const RETRY_HINT = "Nothing was changed; the same request may be sent again.";

/** Refusals by the shell around an actor, not by the actor itself. */
export const runtimeRefusals = defineRefusals({
  "storage.disk-full": {
    httpStatus: 503,
    retryable: true,
    message: (facts: { readonly tenant: string; readonly cause: string }) =>
      `The disk that holds the data of tenant ${facts.tenant} is full (${facts.cause}). Free space on it. ${RETRY_HINT}`,
  },
  "storage.read-only": {
    httpStatus: 503,
    retryable: true,
    message: (facts: { readonly tenant: string; readonly cause: string }) =>
      `The data of tenant ${facts.tenant} cannot be written (${facts.cause}). Make its directory writable. ${RETRY_HINT}`,
  },
  "storage.damaged": {
    httpStatus: 503,
    retryable: false,
    message: (facts: { readonly tenant: string; readonly cause: string }) =>
      `The database of tenant ${facts.tenant} is damaged (${facts.cause}). Restore it from a replica or a backup; nothing was changed.`,
  },
  "storage.overloaded": {
    httpStatus: 503,
    retryable: true,
    message: (facts: { readonly tenant: string; readonly cause: string }) =>
      `The disk is slower than the decisions of tenant ${facts.tenant} arrive (${facts.cause}). ${RETRY_HINT}`,
  },
  "storage.closed": {
    httpStatus: 503,
    retryable: true,
    message: (facts: { readonly tenant: string; readonly cause: string }) =>
      `The database of tenant ${facts.tenant} is closed (${facts.cause}): the control plane is stopping. ${RETRY_HINT}`,
  },
  "message.malformed": {
    httpStatus: 400,
    retryable: false,
    message: (facts: { readonly reason: string }) => `The message is not one this version understands: ${facts.reason}.`,
  },
});

/** Why nothing was written, in words for whoever asked. */
export function refusalOfFailure(tenant: string, result: Extract<CommitResult, { kind: "failed" }>): Refusal {
  return runtimeRefusals[`storage.${result.reason}`]({ tenant, cause: result.message });
}

/** True when the receiver's disk refused, not the receiver: it has not answered yet. */
export function isStorageRefusal(code: string): boolean {
  return code.startsWith("storage.");
}
