import type { FastifyInstance } from "fastify";
import { Gauge, Histogram, type Registry } from "prom-client";
import type { Log } from "../../runtime/log.ts";
import type { StreamRegistry } from "./event-stream.ts";

/** In seconds: from an answer out of memory to one that waits for a far actor. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts and times what is answered, and logs it without its query, which may hold a secret. */
export function measureRequests(
  app: FastifyInstance,
  options: { readonly metrics: Registry; readonly log: Log; readonly streams: StreamRegistry },
): void {
  const duration = new Histogram({
    name: "odysseus_api_request_duration_seconds",
    help: "Time from a request's arrival to its whole answer, streams excepted.",
    labelNames: ["operation", "status"],
    buckets: DURATION_BUCKETS,
    registers: [options.metrics],
  });
  const streams: Gauge = new Gauge({
    name: "odysseus_api_streams",
    help: "Event streams under way.",
    registers: [options.metrics],
    collect: () => streams.set(options.streams.size),
  });
  app.addHook("onResponse", async (request, reply) => {
    const { operation = "other" } = request.routeOptions.config;
    const status = String(reply.statusCode);
    const isStream = String(reply.getHeader("content-type")).startsWith("text/event-stream");
    if (!isStream) duration.observe({ operation, status }, reply.elapsedTime / 1_000);
    options.log.debug("request", {
      correlationId: request.id,
      operation,
      method: request.method,
      status,
      durationMs: Math.round(reply.elapsedTime),
    });
  });
}
