import type { AddressInfo } from "node:net";
import cookie from "@fastify/cookie";
import cors from "@fastify/cors";
import type { FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import type { Operation } from "../../actors/catalogue.ts";
import type { RefusalTraits } from "../../runtime/refusal.ts";
import { installGuard } from "./auth/guard.ts";
import type { Authenticator } from "./auth/identity.ts";
import { installSignIn } from "./auth/sign-in.ts";
import type { CallOptions } from "./call.ts";
import { collectRoutes, installDocumentation } from "./documentation.ts";
import { API_ERRORS } from "./errors.ts";
import { StreamRegistry } from "./event-stream.ts";
import { installFailures } from "./failures.ts";
import { newHttpServer, REQUEST_TIMEOUT_MS } from "./http-server.ts";
import { measureRequests } from "./measure.ts";
import { API_PREFIX, installOperations } from "./operation-routes.ts";
import { installProbes, type Readiness } from "./probes.ts";

/** Further connections are not accepted until one ends. */
const MAX_CONNECTIONS = 10_000;
/** Requests still running when the server stops have so long; then their connections are cut. */
const STOP_GRACE_MS = 10_000;

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
  /** The refusals the operations answer with, by code; the documentation lists them beside the API's own. */
  readonly errors: Readonly<Record<string, RefusalTraits>>;
}

export interface Api {
  readonly url: string;
  readonly port: number;
  /** Ends the streams, lets running requests finish within STOP_GRACE_MS, closes. */
  stop(): Promise<void>;
}

/** Serves the catalogue over HTTP. Rejects when the address cannot be listened at (`EADDRINUSE`, `EACCES`). */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { listen } = options;
  const streams = new StreamRegistry();
  const app = newHttpServer({ tls: listen.tls, random: options.random });
  await app.register(cookie);
  measureRequests(app, { metrics: options.metrics, log: options.log, streams });
  const origins = listen.corsOrigins ?? [];
  if (origins.length > 0)
    await app.register(cors, { origin: [...origins], credentials: false, exposedHeaders: ["etag", "x-correlation-id"] });
  installGuard(app, { auth: options.auth, clock: options.clock, allowedHosts: listen.allowedHosts ?? [] });
  const { log, operations } = options;
  installFailures(app, { requestTimeoutMs: REQUEST_TIMEOUT_MS, log, operations, prefix: API_PREFIX });
  await installRoutes(app, options, streams);
  await app.listen({ host: listen.host, port: listen.port });
  app.server.maxConnections = MAX_CONNECTIONS;
  const { port } = app.server.address() as AddressInfo;
  return { url: urlOf(listen, port), port, stop: () => stop(app, options, streams) };
}

async function installRoutes(app: FastifyInstance, options: ApiOptions, streams: StreamRegistry): Promise<void> {
  const errors = { ...API_ERRORS, ...options.errors };
  await collectRoutes(app, options.version);
  installProbes(app, options);
  installSignIn(app, { auth: options.auth, clock: options.clock, isEncrypted: options.listen.tls !== undefined });
  installDocumentation(app, { operations: options.operations, version: options.version, prefix: API_PREFIX, errors });
  installOperations(app, options.operations, options, streams);
}

async function stop(app: FastifyInstance, { clock }: ApiOptions, streams: StreamRegistry): Promise<void> {
  streams.endAll();
  const cut = clock.after(STOP_GRACE_MS, () => app.server.closeAllConnections());
  await app.close();
  cut.cancel();
}

function urlOf(listen: ListenOptions, port: number): string {
  const isAny = listen.host === "0.0.0.0" || listen.host === "::";
  const host = isAny ? "localhost" : listen.host.includes(":") ? `[${listen.host}]` : listen.host;
  return `${listen.tls === undefined ? "http" : "https"}://${host}:${port}`;
}
