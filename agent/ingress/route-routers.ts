import type { IngressRoute, IngressTable, RouteOptions } from "../../actors/ingress/contract.ts";
import { entryPointName, WEB_OFFSET, WEB_SECURE_OFFSET } from "./entry-points.ts";
import { type Named, nameOf, RETRY, type Router } from "./router.ts";

const WEB = entryPointName("tcp", WEB_OFFSET);
const WEB_SECURE = entryPointName("tcp", WEB_SECURE_OFFSET);
const TO_HTTPS = "to-https";
/** A host that is named goes before one that a wildcard covers; among those of one host the longer path. Longer than any path. */
const EXACT_HOST = 10_000;
const SSE_SAFE_COMPRESSION = { excludedContentTypes: ["text/event-stream"] };

/** Routers of the table's routes, and what they do to requests on their way. */
export function routeRouters({ routes, trustedProxies }: IngressTable): {
  readonly routers: Named<Router>;
  readonly middlewares: Named<object>;
} {
  const routers: Record<string, Router> = {};
  const middlewares: Record<string, object> = {};
  for (const route of routes) {
    const name = `route-${nameOf(`${route.host}${route.path}`)}`;
    const own = Object.entries(middlewaresOf(route.options, trustedProxies)).map(
      ([kind, options]) => [`${name}-${kind}`, { [kind]: options }] as const,
    );
    Object.assign(middlewares, Object.fromEntries(own));
    const router = {
      rule: ruleOf(route),
      priority: priorityOf(route),
      service: nameOf(route.pool),
      middlewares: [...own.map(([key]) => key), RETRY],
    };
    if (route.tls === "off") {
      routers[name] = { ...router, entryPoints: [WEB] };
      continue;
    }
    routers[name] = { ...router, entryPoints: [WEB_SECURE], tls: {} };
    routers[`${name}-${TO_HTTPS}`] = { ...router, entryPoints: [WEB], middlewares: [TO_HTTPS] };
  }
  if (routes.some(({ tls }) => tls === "on")) middlewares[TO_HTTPS] = { redirectScheme: { scheme: "https", permanent: true } };
  return { routers, middlewares };
}

/** A path is a prefix by its segments: /app covers /app and /app/x, and leaves /apple to others. */
function ruleOf({ host, path }: IngressRoute): string {
  const hosts = host.startsWith("*.") ? `HostRegexp(\`^[^.]+\\.${host.slice(2).replaceAll(".", "\\.")}$\`)` : `Host(\`${host}\`)`;
  if (path === "/") return hosts;
  return path.endsWith("/") ? `${hosts} && PathPrefix(\`${path}\`)` : `${hosts} && (Path(\`${path}\`) || PathPrefix(\`${path}/\`))`;
}

function priorityOf({ host, path }: IngressRoute): number {
  return (host.startsWith("*.") ? 0 : EXACT_HOST) + path.length;
}

/** In the order in which requests meet them. */
function middlewaresOf(options: RouteOptions, trustedProxies: readonly string[]): Named<object> {
  const ipStrategy = trustedProxies.length === 0 ? {} : { ipStrategy: { excludedIPs: [...trustedProxies] } };
  return {
    ...(options.allow.length > 0 && { ipAllowList: { sourceRange: [...options.allow], ...ipStrategy } }),
    ...(options.rateLimit !== undefined && {
      rateLimit: {
        average: options.rateLimit.averagePerSecond,
        burst: options.rateLimit.burst,
        ...(trustedProxies.length > 0 && { sourceCriterion: ipStrategy }),
      },
    }),
    ...(options.basicAuth.length > 0 && { basicAuth: { users: [...options.basicAuth], removeHeader: true } }),
    ...(options.maxBodyBytes !== undefined && { buffering: { maxRequestBodyBytes: options.maxBodyBytes } }),
    ...(options.compress && { compress: SSE_SAFE_COMPRESSION }),
  };
}
