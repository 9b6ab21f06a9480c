import { z } from "zod";
import { AcmeFailure } from "../../actors/certificate/ports.ts";
import type { HttpsAnswer } from "./https-request.ts";

const TYPE_PREFIX = "urn:ietf:params:acme:error:";
const MAX_DETAIL_CHARACTERS = 500;
/** No authority is waited for longer, whatever it says. */
const MAX_RETRY_AFTER_MS = 7 * 86_400_000;

/** RFC 7807, as RFC 8555 (6.7) uses it. */
export const Problem = z.object({
  type: z.string().default(""),
  detail: z.string().default(""),
  subproblems: z.array(z.object({ detail: z.string().default("") })).default([]),
});
export type Problem = z.infer<typeof Problem>;

/** The authority's own words, cut to a sentence's size. */
export function detailOf({ type, detail, subproblems }: Problem): string {
  const details = [detail, ...subproblems.map((each) => each.detail)].filter((text) => text !== "");
  const text = details.length === 0 ? typeOf(type) : details.join("; ");
  return text.replaceAll(/\s+/g, " ").slice(0, MAX_DETAIL_CHARACTERS);
}

export function typeOf(type: string): string {
  return type.startsWith(TYPE_PREFIX) ? type.slice(TYPE_PREFIX.length) : type;
}

/** What an answer that is no success means. */
export function failureOf({ status, headers, body }: HttpsAnswer, nowMs: number): AcmeFailure {
  const problem = Problem.safeParse(parsedJson(body)).data;
  const type = problem === undefined ? undefined : typeOf(problem.type);
  const retryAfterMs = retryAfterOf(headers["retry-after"], nowMs);
  const words = problem === undefined ? `it answered ${status}` : detailOf(problem);
  if (status === 429 || type === "rateLimited")
    return new AcmeFailure("limited", `the authority asks to wait: ${words}`, { retryAfterMs, type });
  if (status >= 500 || problem === undefined || type === "")
    return new AcmeFailure("unreachable", `the authority failed: ${words}`, { retryAfterMs, type });
  return new AcmeFailure("refused", `the authority refused: ${words}`, { retryAfterMs, type });
}

export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterOf(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined;
}
