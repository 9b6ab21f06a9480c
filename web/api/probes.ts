import type { FastifyInstance } from "fastify";
import { metricsFor } from "./tenant-metrics.ts";

/** Whether requests would be served: the journal can be written and the bus is connected. Each reason is one sentence. */
export type Readiness = { readonly kind: "ready" } | { readonly kind: "not-ready"; readonly reasons: readonly string[] };

/** As prom-client's Registry. */
export interface MetricsSource {
  readonly contentType: string;
  metrics(): Promise<string>;
}

/** `/healthz`: the process answers. `/readyz`: it can do its work; why not is told only to those who are signed in. `/metrics` for Prometheus, of the asking tenant and of the process. */
export function installProbes(
  app: FastifyInstance,
  options: { readonly ready: () => Promise<Readiness>; readonly metrics: MetricsSource },
): void {
  app.get("/healthz", { config: { access: "open" }, schema: { hide: true } }, async () => ({ status: "ok" }));
  app.get("/readyz", { config: { access: "open" }, schema: { hide: true } }, async (request, reply) => {
    const readiness = await options.ready();
    if (readiness.kind === "ready") return { status: "ready" };
    reply.code(503).header("retry-after", "1");
    return request.identity === undefined ? { status: "not-ready" } : { status: "not-ready", reasons: readiness.reasons };
  });
  app.get("/metrics", { schema: { hide: true } }, async ({ identity }, reply) =>
    reply.type(options.metrics.contentType).send(metricsFor(identity?.tenant ?? "", await options.metrics.metrics())),
  );
}
