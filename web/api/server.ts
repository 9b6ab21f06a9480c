import type { AddressInfo } from "node:net";
import cookie from "@fastify/cookie";
import cors from "@fastify/cors";
import { fastify, type FastifyInstance } from "fastify";
import { Gauge, Histogram, type Registry } from "prom-client";
import type { Operation } from "../../actors/catalogue.ts";
import type { RefusalTraits } from "../../runtime/refusal.ts";
import { installGuard } from "./auth/guard.ts";
import type { Authenticator } from "./auth/identity.ts";
import { installSignIn } from "./auth/sign-in.ts";
import type { CallOptions } from "./call.ts";
import { collectRoutes, installDocumentation } from "./documentation.ts";
import { API_ERRORS, apiRefusals } from "./errors.ts";
import { StreamRegistry } from "./event-stream.ts";
import { answerUnreadable, installFailures, refusalOfError } from "./failures.ts";
import { API_PREFIX, installOperations } from "./operation-routes.ts";
import { installProbes, type Readiness } from "./probes.ts";
import { sendProblem } from "./problems.ts";

/** A larger body is refused with 413. A deployment with all its environment fits. */
export const BODY_LIMIT_BYTES = 1_048_576;
/** A request must have arrived whole by then; else 408. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Its headers by then. */
const HEADERS_TIMEOUT_MS = 10_000;
/** A connection on which nothing moves is closed. Streams move at every heartbeat. */
const CONNECTION_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 30_000;
/** Further connections are not accepted until one ends. */
const MAX_CONNECTIONS = 10_000;
const MAX_PATH_FIELD_CHARACTERS = 500;
/** In seconds: an answer from memory to one that waits for a far actor. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const CORRELATION_ID = /^[A-Za-z0-9._:-]{1,100}$/;

export interface ListenOptions {
  /** Address to listen at; loopback unless the person said otherwise. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Names besides localhost and IP addresses under which browsers and programs may address this server. */
  readonly allowedHosts?: readonly string[];
  /** Origins of other sites whose scripts may call the API with a token. None unless given; never with cookies. */
  readonly corsOrigins?: readonly string[];
}

export interface ApiOptions extends CallOptions {
  readonly operations: readonly Operation[];
  readonly listen: ListenOptions;
  readonly auth: Authenticator;
  readonly metrics: Registry;
  readonly ready: () => Promise<Readiness>;
  /** Version of the product, for the OpenAPI document. */
  readonly version: string;
  /** Tables of the refusals the operations answer with; the documentation lists them beside the API's own. */
  readonly errors: Readonly<Record<string, RefusalTraits>>;
}

export interface Api {
  readonly url: string;
  readonly port: number;
  /** Ends the streams, lets running requests finish, closes. */
  stop(): Promise<void>;
}

/** Serves the catalogue over HTTP. Rejects when the address cannot be listened at (`EADDRINUSE`, `EACCES`). */
export async function startApi(options: ApiOptions): Promise<Api> {
  const streams = new StreamRegistry();
  const app = newServer(options);
  app.setValidatorCompiler(() => (value: unknown) => ({ value }));
  app.setSerializerCompiler(() => (value: unknown) => JSON.stringify(value));
  readJsonBodies(app);
  await app.register(cookie);
  nameAndHarden(app);
  measure(app, options, streams);
  const origins = options.listen.corsOrigins ?? [];
  if (origins.length > 0)
    await app.register(cors, { origin: [...origins], credentials: false, exposedHeaders: ["etag", "x-correlation-id"] });
  installGuard(app, { auth: options.auth, clock: options.clock, allowedHosts: options.listen.allowedHosts ?? [] });
  installFailures(app, {
    log: options.log,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    operations: options.operations,
    prefix: API_PREFIX,
  });
  await collectRoutes(app, options.version);
  installProbes(app, options);
  installSignIn(app, { auth: options.auth, clock: options.clock, isEncrypted: options.listen.tls !== undefined });
  installDocumentation(app, {
    operations: options.operations,
    version: options.version,
    prefix: API_PREFIX,
    errors: { ...API_ERRORS, ...options.errors },
  });
  installOperations(app, options.operations, options, streams);
  await app.listen({ host: options.listen.host, port: options.listen.port });
  app.server.maxConnections = MAX_CONNECTIONS;
  const { port } = app.server.address() as AddressInfo;
  return {
    url: urlOf(options.listen, port),
    port,
    stop: async () => {
      streams.endAll();
      await app.close();
    },
  };
}

function newServer(options: ApiOptions): FastifyInstance {
  const { tls } = options.listen;
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
    genReqId: (request: { readonly headers: Readonly<Record<string, string | readonly string[] | undefined>> }) => {
      const given = request.headers["x-correlation-id"];
      return typeof given === "string" && CORRELATION_ID.test(given) ? given : options.random.id();
    },
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: import("node:net").Socket) =>
      answerUnreadable(error, socket, REQUEST_TIMEOUT_MS, options.random.id()),
    frameworkErrors: (
      error: import("fastify").FastifyError,
      request: import("fastify").FastifyRequest,
      reply: import("fastify").FastifyReply,
    ) => sendProblem(request, reply, refusalOfError(error, limits) ?? apiRefusals.internal({ correlationId: request.id })),
  } as const;
  return (tls === undefined
    ? fastify(settings)
    : fastify({ ...settings, https: { ...tls, headersTimeout: HEADERS_TIMEOUT_MS } })) as unknown as FastifyInstance;
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

/** Before the guard, so that refusals have these headers too. */
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

function measure(app: FastifyInstance, options: ApiOptions, streams: StreamRegistry): void {
  const duration = new Histogram({
    name: "odysseus_api_request_duration_seconds",
    help: "Time from a request's arrival to its whole answer, streams excepted.",
    labelNames: ["operation", "status"],
    buckets: DURATION_BUCKETS,
    registers: [options.metrics],
  });
  new Gauge({
    name: "odysseus_api_streams",
    help: "Event streams under way.",
    registers: [options.metrics],
    collect() {
      this.set(streams.size);
    },
  });
  app.addHook("onResponse", async (request, reply) => {
    const { operation = "other" } = request.routeOptions.config;
    const status = String(reply.statusCode);
    if (!String(reply.getHeader("content-type")).startsWith("text/event-stream"))
      duration.observe({ operation, status }, reply.elapsedTime / 1_000);
    options.log.debug("request", {
      correlationId: request.id,
      operation,
      method: request.method,
      status,
      durationMs: Math.round(reply.elapsedTime),
    });
  });
}

function urlOf(listen: ListenOptions, port: number): string {
  const isAny = listen.host === "0.0.0.0" || listen.host === "::";
  const host = isAny ? "localhost" : listen.host.includes(":") ? `[${listen.host}]` : listen.host;
  return `${listen.tls === undefined ? "http" : "https"}://${host}:${port}`;
}
