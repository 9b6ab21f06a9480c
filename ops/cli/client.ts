import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type ApiAnswer, exchange, isConnectionLost, isNotListening } from "./exchange.ts";
import type { Access } from "./profile.ts";
import { type Problem, Stop, stopOf } from "./stop.ts";

export interface ApiCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Under `/api/v1`, encoded. */
  readonly path: string;
  /** A list is given once per item. */
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  readonly body?: unknown;
  /** The generation the person has seen: `If-Match`. */
  readonly ifGeneration?: number | undefined;
}

export interface Api {
  /**
   * The answer's JSON, which is trusted: it comes from the control plane of the same release, and checking it here would cost more time than the
   * request. Refusals become a `Stop` with the problem.
   */
  readonly call: <Answer>(call: ApiCall) => Promise<Answer>;
  /** What `/api/v1` and the query make of it. */
  readonly urlOf: (path: string, query?: ApiCall["query"]) => URL;
  readonly access: () => Access;
  /** Reads the profile anew after the token was not accepted: a control plane that was started again may have given out another. */
  readonly renew: () => "renewed" | "same";
  /** The control plane's wall clock, so that ages are true on a machine whose clock is not. */
  readonly nowMs: () => number;
}

/** A lost connection or "not now" is tried again this often, then given up: about 6 s in all. */
const MAX_ATTEMPTS = 6;
const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 2_000;
/** Answers carry whole seconds: a smaller difference is not a wrong clock. */
const LEAST_SKEW_MS = 2_000;

export function openApi(find: () => Access, signal: AbortSignal): Api {
  let skewMs = 0;
  let access = find();
  const renew = (): "renewed" | "same" => {
    const before = access;
    access = find();
    return access.token === before.token ? "same" : "renewed";
  };
  const urlOf = (path: string, query: ApiCall["query"] = {}): URL => {
    const url = new URL(`${access.url.pathname.replace(/\/$/, "")}/api/v1${path}`, access.url);
    for (const [name, value] of Object.entries(query)) {
      const values = Array.isArray(value) ? (value as readonly string[]) : value === undefined ? [] : [String(value)];
      for (const item of values) url.searchParams.append(name, item);
    }
    return url;
  };
  return {
    access: () => access,
    renew,
    urlOf,
    nowMs: () => Date.now() + skewMs,
    call: async <Answer>(call: ApiCall): Promise<Answer> => {
      let answer = await attempt(access, call, urlOf(call.path, call.query), signal);
      if (answer.status === 401 && renew() === "renewed") answer = await attempt(access, call, urlOf(call.path, call.query), signal);
      skewMs = skewOf(answer.dateMs);
      return valueOf(answer) as Answer;
    },
  };
}

/** One key for all attempts, so that a write whose answer was lost still acts once. */
async function attempt(access: Access, call: ApiCall, url: URL, signal: AbortSignal): Promise<ApiAnswer> {
  const key = call.method === "GET" ? {} : { "idempotency-key": randomUUID() };
  const match = call.ifGeneration === undefined ? {} : { "if-match": `"${call.ifGeneration}"` };
  for (let number = 1; ; number++) {
    const isLast = number === MAX_ATTEMPTS;
    try {
      const answer = await exchange(access, { method: call.method, url, body: call.body, headers: { ...key, ...match }, signal });
      if (answer.status !== 503 || isLast) return answer;
    } catch (cause) {
      // Nothing listened from the start: waiting would only hide that it is not running.
      if (isNotListening(cause) && number === 1) throw notRunning(access, cause);
      if (!isConnectionLost(cause) || isLast) throw signal.aborted ? cause : unreachable(access, cause);
    }
    await delay(Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (number - 1)), undefined, { signal });
  }
}

function valueOf(answer: ApiAnswer): unknown {
  if (answer.status >= 200 && answer.status < 300) return answer.body === "" ? {} : parsed(answer);
  throw stopOf(problemOf(answer));
}

export function problemOf(answer: ApiAnswer): Problem {
  try {
    const value: unknown = JSON.parse(answer.body);
    if (typeof value === "object" && value !== null) {
      const correlationId = answer.correlationId === undefined ? {} : { correlationId: answer.correlationId };
      return { ...correlationId, ...value, status: answer.status };
    }
  } catch {
    // Not JSON: a proxy in between answered, and its status is all there is to say.
  }
  return { status: answer.status };
}

function parsed(answer: ApiAnswer): unknown {
  try {
    return JSON.parse(answer.body);
  } catch (cause) {
    throw new Stop("serverFault", "The answer is not JSON: something other than a control plane answers at this address.", { cause });
  }
}

function skewOf(dateMs: number | undefined): number {
  const difference = dateMs === undefined ? 0 : dateMs - Date.now();
  return Math.abs(difference) < LEAST_SKEW_MS ? 0 : difference;
}

export function notRunning(access: Access, cause: unknown): Stop {
  return new Stop("unreachable", `Nothing listens at ${access.url.origin}: the control plane is not running.`, {
    cause,
    hints: ["Start it with npm start."],
  });
}

export function unreachable(access: Access, cause: unknown): Stop {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Stop("unreachable", `The control plane at ${access.url.origin} does not answer: ${reason}.`, { cause });
}
