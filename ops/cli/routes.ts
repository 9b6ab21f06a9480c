import type { Api, ApiCall } from "./client.ts";

/**
 * Where the everyday commands find their operations. The catalogue is the truth and a test holds this table against it; it is repeated because
 * loading the catalogue and its schemas takes longer than all the rest of a command.
 */
export const routes = {
  "deployments.list": ["GET", "/deployments"],
  "deployments.get": ["GET", "/deployments/{name}"],
  "deployments.create": ["POST", "/deployments"],
  "deployments.update": ["PATCH", "/deployments/{name}"],
  "deployments.scale": ["POST", "/deployments/{name}/scale"],
  "deployments.restart": ["POST", "/deployments/{name}/restart"],
  "deployments.stop": ["POST", "/deployments/{name}/stop"],
  "deployments.start": ["POST", "/deployments/{name}/start"],
  "deployments.rollback": ["POST", "/deployments/{name}/rollback"],
  "deployments.delete": ["DELETE", "/deployments/{name}"],
  "deployments.history": ["GET", "/deployments/{name}/history"],
  "deployments.export": ["GET", "/deployments/{name}/manifest"],
  "stacks.export": ["GET", "/stacks/{name}/manifest"],
  "stacks.list": ["GET", "/stacks"],
  "stacks.get": ["GET", "/stacks/{name}"],
  "stacks.members": ["GET", "/stacks/{name}/members"],
  "stacks.history": ["GET", "/stacks/{name}/history"],
  "stacks.apply": ["PUT", "/stacks/{name}"],
  "stacks.plan": ["POST", "/stacks/{name}/plan"],
  "stacks.restart": ["POST", "/stacks/{name}/restart"],
  "stacks.rollback": ["POST", "/stacks/{name}/rollback"],
  "stacks.delete": ["DELETE", "/stacks/{name}"],
  "containers.list": ["GET", "/containers"],
  "containers.logs": ["GET", "/logs"],
  "nodes.list": ["GET", "/nodes"],
  "nodes.get": ["GET", "/nodes/{name}"],
  "nodes.cordon": ["POST", "/nodes/{name}/cordon"],
  "nodes.uncordon": ["POST", "/nodes/{name}/uncordon"],
  "nodes.drain": ["POST", "/nodes/{name}/drain"],
  "nodes.remove": ["DELETE", "/nodes/{name}"],
  "volumes.list": ["GET", "/volumes"],
  "ingress.get": ["GET", "/ingress"],
  "ingress.update": ["PATCH", "/ingress"],
  "ingress.ports": ["GET", "/ingress/ports"],
  "ingress.routes": ["GET", "/ingress/routes"],
  "certificates.list": ["GET", "/certificates"],
  "events.list": ["GET", "/events"],
  "events.stream": ["GET", "/events/stream"],
  "audit.list": ["GET", "/audit"],
  "actors.list": ["GET", "/actors"],
  "actors.resume": ["POST", "/actors/{name}/resume"],
} as const satisfies Readonly<Record<string, readonly [ApiCall["method"], string]>>;

export type RouteName = keyof typeof routes;

export function pathOf(operation: RouteName, name?: string): string {
  return routes[operation][1].replace("{name}", encodeURIComponent(name ?? ""));
}

export function ask<Answer>(
  api: Api,
  operation: RouteName,
  call: Omit<ApiCall, "method" | "path"> & { readonly name?: string },
): Promise<Answer> {
  const { name, ...rest } = call;
  return api.call<Answer>({ ...rest, method: routes[operation][0], path: pathOf(operation, name) });
}

export interface PageOf<Item> {
  readonly items: readonly Item[];
  readonly next?: string | null;
}

/** What the API gives at once. */
export const MAX_PAGE_ITEMS = 500;
/** A list longer than this is cut, and said to be. */
const MAX_ITEMS = 10_000;

/** All pages, or as many as make up `limit`. */
export async function askAll<Item>(
  api: Api,
  operation: RouteName,
  call: { readonly name?: string; readonly query?: ApiCall["query"]; readonly limit?: number },
): Promise<readonly Item[]> {
  const limit = call.limit ?? MAX_ITEMS;
  const pageItems = Math.min(limit, MAX_PAGE_ITEMS);
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask<PageOf<Item>>(api, operation, {
      ...(call.name !== undefined && { name: call.name }),
      query: { ...call.query, limit: pageItems, cursor },
    });
    items.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && items.length < limit);
  return items.slice(0, limit);
}
