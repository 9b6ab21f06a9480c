import type { OperationContext } from "../catalogue.ts";
import { SPEAKS } from "../ingress/answering.ts";
import { readProxies } from "../ingress/operations.ts";
import type { PinnedTemplate } from "./contract.ts";
import { frontendsOfTemplate } from "./frontends.ts";

/** Nodes that take traffic now. */
export async function ingressNodes(context: OperationContext): Promise<readonly string[]> {
  return [...(await readProxies(context))].flatMap(([name, { takesTraffic }]) => (takesTraffic ? [name] : []));
}

/** Where a template's ports and routes would answer, and what that means for its updates; each one sentence. */
export function reachWords(template: PinnedTemplate, nodes: readonly string[]): readonly string[] {
  const { ports, hostPorts, routes } = frontendsOfTemplate(template);
  const where = nodes.length === 0 ? "no node: none takes traffic" : nodes.join(", ");
  const bound = hostPorts.map(({ port, protocol }) => `${port}/${protocol}`).join(", ");
  return [
    ...ports.map(({ port, speaks }) => `Port ${port} answers on ${where}, ${SPEAKS[speaks]}.`),
    ...routes.map(
      ({ host, path, tls }) => `${host}${path === "/" ? "" : path} answers on ${where}, over ${tls === "on" ? "HTTPS" : "HTTP"}.`,
    ),
    ...(bound === ""
      ? []
      : [
          `Port ${bound} is bound on each replica's node, so a node takes one replica, and an update stops the old replica before it starts the new one.`,
        ]),
  ];
}
