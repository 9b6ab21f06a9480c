import { isIP } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Clock } from "../../../runtime/clock.ts";
import type { Refusal } from "../../../runtime/refusal.ts";
import { apiRefusals } from "../errors.ts";
import { sendProblem } from "../problems.ts";
import { FailureLimit } from "./failure-limit.ts";
import type { Authenticator, Identity } from "./identity.ts";

export const SESSION_COOKIE = "odysseus_session";

declare module "fastify" {
  interface FastifyRequest {
    /** Set by the guard on every route that is not open. */
    identity: Identity | undefined;
  }
  interface FastifyContextConfig {
    /** Answers anybody. Only for health, readiness and signing in. */
    readonly access?: "open" | "identified";
  }
}

export interface GuardOptions {
  readonly auth: Authenticator;
  readonly clock: Clock;
  /** Names besides localhost and IP addresses under which this server may be addressed. */
  readonly allowedHosts: readonly string[];
}

/** In this order, before anything else looks at a request: is it meant for us, who is it from, may that kind of credential do this. */
export function installGuard(app: FastifyInstance, options: GuardOptions): void {
  const limit = new FailureLimit(options.clock);
  app.decorateRequest("identity", undefined);
  app.addHook("onRequest", async (request, reply) => {
    const refusal = hostRefusal(request, options.allowedHosts) ?? identify(request, options.auth, limit) ?? crossSiteRefusal(request);
    return refusal === undefined ? undefined : sendProblem(request, reply, refusal);
  });
}

/**
 * A page elsewhere can point its own name at 127.0.0.1 and then talk to us as "same origin" (DNS rebinding). Only a name can be pointed: addresses and
 * localhost are safe.
 */
function hostRefusal(request: FastifyRequest, allowedHosts: readonly string[]): Refusal | undefined {
  const name = hostName(request.headers.host ?? "");
  if (name === "localhost" || isIP(name) !== 0 || allowedHosts.includes(name)) return undefined;
  return apiRefusals["host.not-allowed"]({ host: name });
}

/** Without port, brackets and a dot at the end; in lower case. */
function hostName(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(host);
  const name = bracketed?.[1] ?? host.replace(/:\d*$/, "");
  return name.toLowerCase().replace(/\.$/, "");
}

function identify(request: FastifyRequest, auth: Authenticator, limit: FailureLimit): Refusal | undefined {
  const outcome = authenticate(request, auth);
  if (outcome.kind === "known") {
    request.identity = outcome.identity;
    return undefined;
  }
  if (request.routeOptions.config.access === "open") return undefined;
  if (outcome.kind === "none") return apiRefusals["auth.required"]({ scheme: "Bearer" });
  const retryAfterSeconds = limit.failed(request.ip);
  return retryAfterSeconds === undefined
    ? apiRefusals["auth.invalid"]({ credential: outcome.credential })
    : apiRefusals["auth.too-many-failures"]({ retryAfterSeconds });
}

type Authentication =
  | { readonly kind: "known"; readonly identity: Identity }
  | { readonly kind: "none" }
  | { readonly kind: "invalid"; readonly credential: "token" | "session" };

function authenticate(request: FastifyRequest, auth: Authenticator): Authentication {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const token = /^Bearer +([A-Za-z0-9._~+/=-]{1,500})$/i.exec(authorization)?.[1];
    const identity = token === undefined ? undefined : auth.byToken(token);
    return identity === undefined ? { kind: "invalid", credential: "token" } : { kind: "known", identity };
  }
  const session = request.cookies[SESSION_COOKIE];
  if (session === undefined) return { kind: "none" };
  const identity = auth.bySession(session);
  return identity === undefined ? { kind: "invalid", credential: "session" } : { kind: "known", identity };
}

/** A browser sends the cookie along whoever made the request; so a change needs the browser's word that it was this site. */
function crossSiteRefusal(request: FastifyRequest): Refusal | undefined {
  if (request.identity?.by !== "session" || request.method === "GET" || request.method === "HEAD" || request.method === "OPTIONS")
    return undefined;
  const { origin } = request.headers;
  const site = request.headers["sec-fetch-site"];
  const own = `${request.protocol}://${request.headers.host ?? ""}`;
  const isOwn = origin === undefined ? site === "same-origin" : origin === own && (site === undefined || site === "same-origin");
  return isOwn ? undefined : apiRefusals["auth.cross-site"]({ origin: origin ?? "" });
}
