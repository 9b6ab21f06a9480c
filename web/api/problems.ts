import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { AskFailure, AskFailureReason } from "../../runtime/actor.ts";
import type { Refusal } from "../../runtime/refusal.ts";
import { apiRefusals, type FieldError } from "./errors.ts";
import { escapeHtml, htmlPage, PAGE_POLICY } from "./html.ts";

/** Used when a retryable refusal does not say when. */
const DEFAULT_RETRY_AFTER_SECONDS = 1;

export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** RFC 9457, with our own members from `code` on. */
export const Problem = z.object({
  /** Leads to its paragraph in the documentation of this server. */
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  /** Path of the request. */
  instance: z.string(),
  /** Stable: what programs look at. */
  code: z.string(),
  /** Whether the same request may succeed later. */
  retryable: z.boolean(),
  correlationId: z.string(),
  errors: z
    .array(
      z.object({
        in: z.enum(["path", "query", "body", "header"]),
        pointer: z.string(),
        message: z.string(),
        suggestion: z.string().optional(),
      }),
    )
    .optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type Problem = z.infer<typeof Problem>;

/** Codes whose own words are not what a person would say. */
const titles: Readonly<Record<string, string>> = {
  "auth.required": "You are not signed in",
  "auth.invalid": "You are not signed in any more",
  "auth.link-invalid": "This sign-in link cannot be used",
  "auth.too-many-failures": "Too many failed attempts",
  "auth.cross-site": "The request came from another site",
  "route.not-found": "There is nothing at this address",
};

/** `deployment.not-found` reads "Deployment not found". */
export function problemTitle(code: string): string {
  const own = titles[code];
  if (own !== undefined) return own;
  const words = code.replaceAll(/[.-]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Where the documentation explains a code. */
export function problemType(code: string): string {
  return `/docs#problem-${code}`;
}

export function problemOf(refusal: Refusal, instance: string, correlationId: string): Problem {
  const { errors, ...details } = refusal.details ?? {};
  return {
    type: problemType(refusal.code),
    title: problemTitle(refusal.code),
    status: refusal.httpStatus,
    detail: refusal.message,
    instance,
    code: refusal.code,
    retryable: refusal.retryable,
    correlationId,
    ...(Array.isArray(errors) ? { errors: errors as FieldError[] } : {}),
    ...(Object.keys(details).length > 0 ? { details } : {}),
  };
}

/** Answers with a problem; the query of the request is left out of it, because a query may hold a secret. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  if (refusal.retryable && refusal.httpStatus !== 408) reply.header("retry-after", String(retryAfterSeconds(refusal)));
  if (refusal.httpStatus === 401) reply.header("www-authenticate", 'Bearer realm="odysseus"');
  const problem = problemOf(refusal, pathOf(request.url), request.id);
  if (request.headers.accept?.includes("text/html") === true) return sendPage(reply, problem);
  return reply.code(problem.status).type(PROBLEM_MEDIA_TYPE).send(JSON.stringify(problem));
}

/** For a person with a browser. */
function sendPage(reply: FastifyReply, { status, title, detail, code, correlationId }: Problem): FastifyReply {
  const body = `<h1>${escapeHtml(title)}</h1>\n<p>${escapeHtml(detail)}</p>\n<p class="soft"><code>${escapeHtml(code)}</code> · ${escapeHtml(correlationId)}</p>`;
  return reply.code(status).header("content-security-policy", PAGE_POLICY).type("text/html; charset=utf-8").send(htmlPage(title, body));
}

export function pathOf(url: string): string {
  return url.split("?", 1)[0] ?? url;
}

/** What a caller is told when an actor gave no answer. */
export function refusalOfAskFailure(failure: AskFailure, operation: string): Refusal {
  return ASK_FAILURES[failure.reason]({ operation });
}

const ASK_FAILURES: Readonly<Record<AskFailureReason, (facts: { readonly operation: string }) => Refusal>> = {
  timeout: apiRefusals["actor.timeout"],
  "mailbox-full": apiRefusals["actor.busy"],
  stopped: apiRefusals["actor.stopped"],
  "not-owner": apiRefusals["actor.stopped"],
  quarantined: apiRefusals["actor.quarantined"],
  crashed: apiRefusals["actor.crashed"],
  "unknown-kind": apiRefusals["actor.crashed"],
};

function retryAfterSeconds(refusal: Refusal): number {
  const seconds = refusal.details?.["retryAfterSeconds"];
  return typeof seconds === "number" ? Math.max(1, Math.ceil(seconds)) : DEFAULT_RETRY_AFTER_SECONDS;
}
