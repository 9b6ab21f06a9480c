import type { IngressRoute, IngressTable, RouteOptions } from "../../actors/ingress/contract.ts";
import { entryPointName, WEB_OFFSET, WEB_SECURE_OFFSET } from "./entry-points.ts";
import { lastMiddlewares, type Named, nameOf, type Router } from "./router.ts";

const WEB = entryPointName("tcp", WEB_OFFSET);
const WEB_SECURE = entryPointName("tcp", WEB_SECURE_OFFSET);
const TO_HTTPS = "to-https";
/** A host that is named goes before one that a wildcard covers; among those of one host the longer path. Longer than any path. */
const EXACT_HOST = 10_000;
/** A route has at most so many routers at one entry point; of routes, the longer path still goes first. */
const ROUTERS_OF_A_ROUTE = 2;
const SSE_SAFE_COMPRESSION = { excludedContentTypes: ["text/event-stream"] };

/** Routers of the table's routes, and what they do to requests on their way. */
export function routeRouters({ routes, pools, trustedProxies }: IngressTable): {
  readonly routers: Named<Router>;
  readonly middlewares: Named<object>;
} {
  const protocols = new Map(pools.map(({ id, protocol }) => [id, protocol]));
  const routers: Record<string, Router> = {};
  const middlewares: Record<string, object> = {};
  for (const route of routes) {
    const name = `route-${nameOf(`${route.host}${route.path}`)}`;
    const router = { rule: ruleOf(route), priority: priorityOf(route), service: nameOf(route.pool) };
    const at = route.tls === "off" ? { entryPoints: [WEB] } : { entryPoints: [WEB_SECURE], tls: {} };
    const guard = (key: string, changed: Pick<Router, "rule" | "priority">, client: ClientAddress): void => {
      const own = Object.entries(middlewaresOf(route.options, client)).map(
        ([kind, options]) => [`${key}-${kind}`, { [kind]: options }] as const,
      );
      Object.assign(middlewares, Object.fromEntries(own));
      routers[key] = {
        ...router,
        ...at,
        ...changed,
        middlewares: [...own.map(([middleware]) => middleware), ...lastMiddlewares(protocols.get(route.pool))],
      };
    };
    guard(name, router, {});
    if (trustedProxies.length > 0 && asksForAddress(route.options)) {
      const forwarded = { rule: `(${router.rule}) && ${forwardedRule(trustedProxies)}`, priority: router.priority + 1 };
      guard(`${name}-forwarded`, forwarded, { ipStrategy: { excludedIPs: trustedProxies } });
    }
    if (route.tls === "on") routers[`${name}-${TO_HTTPS}`] = { ...router, entryPoints: [WEB], middlewares: [TO_HTTPS] };
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
  return ROUTERS_OF_A_ROUTE * ((host.startsWith("*.") ? 0 : EXACT_HOST) + path.length);
}

/** How a rule about addresses finds the client's: empty, it is whoever connects; else the last one that was forwarded and is none of these. */
interface ClientAddress {
  readonly ipStrategy?: { readonly excludedIPs: readonly string[] };
}

function asksForAddress({ allow, rateLimit }: RouteOptions): boolean {
  return allow.length > 0 || rateLimit !== undefined;
}

/** A trusted proxy that names nobody asks for itself. Whom PROXY protocol names is who connects. */
function forwardedRule(trustedProxies: readonly string[]): string {
  return `(${trustedProxies.map((range) => `ClientIP(\`${range}\`)`).join(" || ")}) && HeaderRegexp(\`X-Forwarded-For\`, \`.\`)`;
}

/** In the order in which requests meet them. */
function middlewaresOf(options: RouteOptions, client: ClientAddress): Named<object> {
  return {
    ...(options.allow.length > 0 && { ipAllowList: { sourceRange: [...options.allow], ...client } }),
    ...(options.rateLimit !== undefined && {
      rateLimit: {
        average: options.rateLimit.averagePerSecond,
        burst: options.rateLimit.burst,
        ...(client.ipStrategy !== undefined && { sourceCriterion: client }),
      },
    }),
    ...(options.basicAuth.length > 0 && { basicAuth: { users: [...options.basicAuth], removeHeader: true } }),
    ...(options.maxBodyBytes !== undefined && { buffering: { maxRequestBodyBytes: options.maxBodyBytes } }),
    ...(options.compress && { compress: SSE_SAFE_COMPRESSION }),
  };
}
