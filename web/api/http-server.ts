import type { Socket } from "node:net";
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Random } from "../../runtime/clock.ts";
import { apiRefusals } from "./errors.ts";
import { answerUnreadable, refusalOfError } from "./failures.ts";
import { sendProblem } from "./problems.ts";

/** A larger body is refused with 413, unless its operation takes more. A deployment with all its environment fits. */
const BODY_LIMIT_BYTES = 1_048_576;
/** A request must have arrived whole by then; else 408. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** Its headers by then. */
const HEADERS_TIMEOUT_MS = 10_000;
/** A connection on which nothing moves is closed. Streams move at every heartbeat. */
const CONNECTION_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 30_000;
const MAX_PATH_FIELD_CHARACTERS = 500;
const CORRELATION_ID = /^[A-Za-z0-9._:-]{1,100}$/;

export interface HttpServerOptions {
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly random: Random;
}

/** A server with its bounds, that reads JSON alone and answers what it cannot read with a problem. No routes yet. */
export function newHttpServer({ tls, random }: HttpServerOptions): FastifyInstance {
  const limits = { bodyLimitBytes: BODY_LIMIT_BYTES, requestTimeoutMs: REQUEST_TIMEOUT_MS };
  const settings = {
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    routerOptions: { maxParamLength: MAX_PATH_FIELD_CHARACTERS },
    exposeHeadRoutes: false,
    forceCloseConnections: "idle",
    genReqId: ({ headers }: { readonly headers: Readonly<Record<string, unknown>> }) => {
      const given = headers["x-correlation-id"];
      return typeof given === "string" && CORRELATION_ID.test(given) ? given : random.id();
    },
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) => answerUnreadable(error, socket, REQUEST_TIMEOUT_MS, random.id()),
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      sendProblem(request, reply, refusalOfError(error, limits) ?? apiRefusals.internal({ correlationId: request.id })),
  } as const;
  const app = tls === undefined ? fastify(settings) : fastify({ ...settings, https: { ...tls, headersTimeout: HEADERS_TIMEOUT_MS } });
  // Inputs are parsed once, as a whole, where an operation is called; schemas on routes serve the documentation.
  app.setValidatorCompiler(() => (value: unknown) => ({ value }));
  app.setSerializerCompiler(() => (value: unknown) => JSON.stringify(value));
  readJsonBodies(app);
  nameAndHarden(app);
  return app;
}

/** JSON alone; no body at all is an empty object. */
function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body.length === 0) done(null, {});
    else parse.call(app, request, body.toString(), done);
  });
}

/** First of all hooks, so that refusals have these headers too. */
function nameAndHarden(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.headers({
      "x-correlation-id": request.id,
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    });
  });
}
