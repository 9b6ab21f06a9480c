import { defineRefusals, type RefusalEntry } from "../../runtime/refusal.ts";

/** One field of a request that is not as it should be. */
export interface FieldError {
  readonly in: "path" | "query" | "body" | "header";
  /** RFC 6901 pointer into the operation's input: `/health/path`. A header is named as it is. */
  readonly pointer: string;
  /** What is wrong and what would be valid. */
  readonly message: string;
  /** The name or value that was probably meant. */
  readonly suggestion?: string;
}

/**
 * What the API itself refuses, whatever the operation. The operations' own refusals come from the domain; both are shown on `/docs`.
 * 5xx and `auth.too-many-failures` carry `Retry-After` when they are retryable.
 */
export const API_ERRORS = {
  "request.invalid": {
    httpStatus: 400,
    retryable: false,
    message: (facts: { readonly errors: readonly FieldError[] }) =>
      facts.errors.length === 1
        ? `${fieldName(facts.errors[0])}: ${facts.errors[0]?.message ?? ""}`
        : `${facts.errors.length} fields are not valid; each is listed under errors.`,
  },
  "request.malformed": {
    httpStatus: 400,
    retryable: false,
    message: (facts: { readonly reason: string }) => `The request cannot be read: ${facts.reason}`,
  },
  "request.too-large": {
    httpStatus: 413,
    retryable: false,
    message: (facts: { readonly limitBytes: number }) => `The body is larger than ${facts.limitBytes} bytes. Send less at once.`,
  },
  "request.media-type": {
    httpStatus: 415,
    retryable: false,
    message: (_: { readonly supported: string }) => `Send the body as JSON, with Content-Type: application/json.`,
  },
  "request.too-slow": {
    httpStatus: 408,
    retryable: true,
    message: (facts: { readonly timeoutMs: number }) => `The request did not arrive within ${facts.timeoutMs} ms.`,
  },
  "route.not-found": {
    httpStatus: 404,
    retryable: false,
    message: (facts: { readonly route: string; readonly nearest: string | undefined }) =>
      `There is no ${facts.route}.${facts.nearest === undefined ? " /docs lists what there is." : ` Did you mean ${facts.nearest}?`}`,
  },
  "route.method-not-allowed": {
    httpStatus: 405,
    retryable: false,
    message: (facts: { readonly route: string; readonly allowed: readonly string[] }) =>
      `${facts.route} does not exist; this path takes ${facts.allowed.join(", ")}.`,
  },
  "host.not-allowed": {
    httpStatus: 421,
    retryable: false,
    message: (facts: { readonly host: string }) =>
      `This server does not answer for the host name "${facts.host}". Use its IP address or localhost, or add the name to the allowed hosts.`,
  },
  "auth.required": {
    httpStatus: 401,
    retryable: false,
    message: (_: { readonly scheme: string }) =>
      "Open the sign-in link that npm start printed, or send a token with Authorization: Bearer.",
  },
  "auth.invalid": {
    httpStatus: 401,
    retryable: false,
    message: (facts: { readonly credential: "token" | "session" }) =>
      facts.credential === "token"
        ? "The token is not known here. It may belong to another installation."
        : "The session has ended. Sign in again.",
  },
  "auth.too-many-failures": {
    httpStatus: 429,
    retryable: true,
    message: (facts: { readonly retryAfterSeconds: number }) =>
      `Too many attempts with credentials that are not valid. Try again in ${facts.retryAfterSeconds} s.`,
  },
  "auth.role-missing": {
    httpStatus: 403,
    retryable: false,
    message: (facts: { readonly operation: string; readonly role: string; readonly roles: readonly string[] }) =>
      `${facts.operation} needs one of the roles ${facts.roles.join(", ")}; you are ${facts.role}.`,
  },
  "auth.cross-site": {
    httpStatus: 403,
    retryable: false,
    message: (_: { readonly origin: string }) =>
      "A change made with a browser session must come from this site itself. Programs use a token instead.",
  },
  "auth.link-invalid": {
    httpStatus: 403,
    retryable: false,
    message: (facts: { readonly validMinutes: number }) =>
      `This sign-in link was used before, is older than ${facts.validMinutes} minutes, or is not from this start of Odysseus. Every npm start prints a new one.`,
  },
  "idempotency.mismatch": {
    httpStatus: 422,
    retryable: false,
    message: (_: { readonly operation: string }) =>
      "This Idempotency-Key was used before for the same operation with other input. Use a new key for a new request.",
  },
  "streams.too-many": {
    httpStatus: 503,
    retryable: true,
    message: (facts: { readonly limit: number }) => `${facts.limit} event streams are open, and no more are served at once. Close some.`,
  },
  "actor.timeout": {
    httpStatus: 504,
    retryable: true,
    message: (facts: { readonly operation: string }) =>
      `${facts.operation} was not answered in time, so it is not known whether it was done. Send it again with the same Idempotency-Key: it acts at most once.`,
  },
  "actor.busy": {
    httpStatus: 503,
    retryable: true,
    message: (facts: { readonly operation: string }) =>
      `Too much is waiting before ${facts.operation}; nothing was done. Try again shortly.`,
  },
  "actor.stopped": {
    httpStatus: 503,
    retryable: true,
    message: (facts: { readonly operation: string }) =>
      `The control plane is stopping or moving, so ${facts.operation} has no answer. Send it again with the same Idempotency-Key.`,
  },
  "actor.quarantined": {
    httpStatus: 503,
    retryable: false,
    message: (facts: { readonly operation: string }) =>
      `What ${facts.operation} is about failed too often and is set aside until an administrator resumes it; nothing was done.`,
  },
  "actor.crashed": {
    httpStatus: 500,
    retryable: true,
    message: (facts: { readonly operation: string }) =>
      `${facts.operation} failed because of an error in Odysseus; nothing was done. Report it with the correlation id.`,
  },
  internal: {
    httpStatus: 500,
    retryable: false,
    message: (_: { readonly correlationId: string }) =>
      "Odysseus made an error. Report it with the correlation id, under which the log has the details.",
  },
} as const satisfies Readonly<Record<string, RefusalEntry<never>>>;

export const apiRefusals = defineRefusals(API_ERRORS);

function fieldName(error: FieldError | undefined): string {
  if (error === undefined) return "The request";
  return error.pointer === "" ? `The ${error.in}` : error.pointer.replace(/^\//, "").replaceAll("/", ".");
}
