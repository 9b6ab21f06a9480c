import type { PinnedTemplate, Port, Route } from "./contract.ts";

/** A port inside the containers that something on other nodes leads to. */
export type ReachedPort = Pick<Port, "containerPort" | "protocol">;

/** The container's port that a route leads to: its own, else the first tcp port of the template. Undefined: there is none. */
export function routedPort({ ports }: Pick<PinnedTemplate, "ports">, { containerPort }: Route): number | undefined {
  return containerPort ?? ports.find((port) => port.protocol === "tcp")?.containerPort;
}

/** Container ports that a balanced port or a route leads to, each once. A container without a network is reached by nobody. */
export function reachedPorts(template: Pick<PinnedTemplate, "ports" | "routes" | "namespaces">): readonly ReachedPort[] {
  const { ports, routes, namespaces } = template;
  if (namespaces?.network === "none") return [];
  const balanced = ports.filter(({ mode, publishedPort }) => mode === "balanced" && publishedPort !== undefined);
  const routed = routes.flatMap((route) => {
    const containerPort = routedPort(template, route);
    return containerPort === undefined ? [] : [{ containerPort, protocol: "tcp" as const }];
  });
  const all = [...balanced, ...routed].map(
    ({ containerPort, protocol }) => [`${containerPort}/${protocol}`, { containerPort, protocol }] as const,
  );
  return [...new Map(all).values()];
}
