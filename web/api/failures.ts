import type { Socket } from "node:net";
import type { FastifyError, FastifyInstance } from "fastify";
import type { Operation } from "../../actors/catalogue.ts";
import { nearestName } from "../../runtime/nearest-name.ts";
import type { Log } from "../../runtime/log.ts";
import type { Refusal } from "../../runtime/refusal.ts";
import { apiRefusals } from "./errors.ts";
import { pathOf, problemOf, PROBLEM_MEDIA_TYPE, sendProblem } from "./problems.ts";

/** Whatever goes wrong outside an operation becomes a problem as well: unreadable requests, unknown routes, and our own mistakes. */
export function installFailures(
  app: FastifyInstance,
  options: {
    readonly log: Log;
    readonly requestTimeoutMs: number;
    readonly operations: readonly Operation[];
    readonly prefix: string;
  },
): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const limits = { bodyLimitBytes: request.routeOptions.bodyLimit, requestTimeoutMs: options.requestTimeoutMs };
    const refusal = refusalOfError(error, limits);
    if (refusal !== undefined) return sendProblem(request, reply, refusal);
    options.log.error("a request failed", { error, correlationId: request.id, operation: request.routeOptions.config.operation });
    return sendProblem(request, reply, apiRefusals.internal({ correlationId: request.id }));
  });
  const routes = options.operations.map((operation) => ({
    method: operation.http.method,
    path: `${options.prefix}${operation.http.path}`,
  }));
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request.url);
    const route = `${request.method} ${path}`;
    const allowed = routes.filter((candidate) => fits(candidate.path, path)).map((candidate) => candidate.method);
    if (allowed.length > 0) {
      reply.header("allow", allowed.join(", "));
      return sendProblem(request, reply, apiRefusals["route.method-not-allowed"]({ route, allowed }));
    }
    return sendProblem(request, reply, apiRefusals["route.not-found"]({ route, nearest: nearestRoute(request.method, path, routes) }));
  });
}

/** For URLs the router cannot even read; no hook has run, hence no correlation id from the caller. */
export function refusalOfError(
  error: FastifyError,
  limits: { readonly bodyLimitBytes: number; readonly requestTimeoutMs: number },
): Refusal | undefined {
  switch (error.code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return apiRefusals["request.too-large"]({ limitBytes: limits.bodyLimitBytes });
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return apiRefusals["request.media-type"]({ supported: "application/json" });
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return apiRefusals["request.too-slow"]({ timeoutMs: limits.requestTimeoutMs });
    default:
      return error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500
        ? apiRefusals["request.malformed"]({ reason: error.message })
        : undefined;
  }
}

/** Answers on the bare socket what is no HTTP at all, too slow, or too large in its headers. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket, requestTimeoutMs: number, correlationId: string): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const refusal =
    error.code === "ERR_HTTP_REQUEST_TIMEOUT"
      ? apiRefusals["request.too-slow"]({ timeoutMs: requestTimeoutMs })
      : apiRefusals["request.malformed"]({
          reason: error.code === "HPE_HEADER_OVERFLOW" ? "its headers are too large" : "it is not HTTP as we know it",
        });
  const body = JSON.stringify(problemOf(refusal, "/", correlationId));
  const head = [
    `HTTP/1.1 ${refusal.httpStatus} Error`,
    `content-type: ${PROBLEM_MEDIA_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

interface Route {
  readonly method: string;
  readonly path: string;
}

function fits(template: string, path: string): boolean {
  const wanted = template.split("/");
  const given = path.split("/");
  return wanted.length === given.length && wanted.every((segment, index) => segment.startsWith("{") || segment === given[index]);
}

/** The route whose fixed segments are nearest, with the given ones in its variable places. */
function nearestRoute(method: string, path: string, routes: readonly Route[]): string | undefined {
  const given = path.split("/");
  const filled = routes
    .filter((route) => route.path.split("/").length === given.length)
    .toSorted((left, right) => Number(right.method === method) - Number(left.method === method))
    .map((route) => ({
      method: route.method,
      path: route.path
        .split("/")
        .map((segment, index) => (segment.startsWith("{") ? given[index] : segment))
        .join("/"),
    }));
  const nearest = nearestName(
    path,
    filled.map((route) => route.path),
  );
  const found = filled.find((route) => route.path === nearest);
  return found === undefined ? undefined : `${found.method} ${found.path}`;
}
