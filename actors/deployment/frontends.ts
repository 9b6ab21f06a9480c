import {
  NO_FRONTENDS,
  portId,
  routeId,
  type FrontendPort,
  type FrontendRoute,
  type Frontends,
  type PoolTarget,
} from "../ingress/commands.ts";
import type { Endpoint } from "../node/observed-contract.ts";
import type { PinnedTemplate, Port, Route } from "./contract.ts";
import { routedPort } from "./reached-contract.ts";
import { startsNone } from "./sparing.ts";
import { contentOf, isHealthy, templateOf } from "./replica.ts";
import type { DeploymentState, PlacementRecord } from "./state.ts";

type PublishedPort = Port & { readonly publishedPort: number };

/** Ports of the template that answer outside of the replica's node, or on it. */
function published({ ports }: PinnedTemplate, mode: Port["mode"]): readonly PublishedPort[] {
  return ports.filter((port): port is PublishedPort => port.publishedPort !== undefined && port.mode === mode);
}

/** Ports that a replica binds on its node. */
export function hostPortsOf(template: PinnedTemplate): Frontends["hostPorts"] {
  return published(template, "host").map(({ publishedPort, protocol }) => ({ port: publishedPort, protocol }));
}

/**
 * Under what the deployment is to be reached: what its revision wants, and what the one it may go back to and those that still run want besides, so that a
 * rollout's end, whichever it is, finds its ports free.
 */
export function frontendsOf(state: DeploymentState): Frontends {
  if (state.mode === "absent") return NO_FRONTENDS;
  const contents = new Set([
    contentOf(state, state.revision),
    ...(state.succeeded === 0 || (state.rollout !== undefined && startsNone(state.rollout)) ? [] : [contentOf(state, state.succeeded)]),
    ...Object.values(state.placements).map((placement) => placement.contentOf),
  ]);
  return unitedFrontends([...contents].map((content) => frontendsOfTemplate(templateOf(state, content))));
}

/** Each port and route once. */
export function unitedFrontends(all: readonly Frontends[]): Frontends {
  return {
    ports: firstOfEach(
      all.flatMap(({ ports }) => ports),
      portId,
    ),
    hostPorts: firstOfEach(
      all.flatMap(({ hostPorts }) => hostPorts),
      portId,
    ),
    routes: firstOfEach(
      all.flatMap(({ routes }) => routes),
      routeId,
    ),
  };
}

function firstOfEach<Item>(items: readonly Item[], id: (item: Item) => string): readonly Item[] {
  const seen = new Set<string>();
  return items.filter((item) => !seen.has(id(item)) && seen.add(id(item)));
}

/** What the template alone is to be reached under. */
export function frontendsOfTemplate(template: PinnedTemplate): Frontends {
  return {
    ports: published(template, "balanced").map((port) => ({
      port: port.publishedPort,
      protocol: port.protocol,
      speaks: speaks(template, port),
    })),
    hostPorts: hostPortsOf(template),
    routes: template.routes.map((route) => ({
      host: route.host,
      path: route.path,
      tls: route.tls === "auto" ? "on" : "off",
      speaks: spokenBehind(template, route),
      options: route.options,
    })),
  };
}

/** Whoever asks a port over HTTP for its health has said what it speaks. */
function speaks({ health, ports }: PinnedTemplate, { containerPort, protocol, appProtocol }: Port): FrontendPort["speaks"] {
  if (protocol === "udp") return "udp";
  if (appProtocol !== undefined) return appProtocol;
  const probed = health?.kind === "http" ? (health.port ?? ports.find((port) => port.protocol === "tcp")?.containerPort) : undefined;
  return probed === containerPort ? "http" : "tcp";
}

function spokenBehind(template: PinnedTemplate, route: Route): FrontendRoute["speaks"] {
  const routed = routedPort(template, route);
  const isGrpc = template.ports.some(
    ({ containerPort, protocol, appProtocol }) => containerPort === routed && protocol === "tcp" && appProtocol === "grpc",
  );
  return isGrpc ? "grpc" : "http";
}

/** What a replica takes in the pools now; undefined: nothing is to reach it. */
export function targetsOf(state: DeploymentState, placement: PlacementRecord | undefined): readonly PoolTarget[] | undefined {
  const current = placement?.status?.current;
  if (placement === undefined || !isHealthy(placement) || placement.stage.stage !== "assigned") return undefined;
  if (current?.phase !== "running" || current.endpoints === undefined) return undefined;
  const targets = targetsAt(templateOf(state, placement.contentOf), current.endpoints);
  return targets.length === 0 ? undefined : targets;
}

function targetsAt(template: PinnedTemplate, endpoints: readonly Endpoint[]): readonly PoolTarget[] {
  const target = (frontend: string, containerPort: number | undefined, protocol: "tcp" | "udp"): readonly PoolTarget[] =>
    endpoints
      .filter((endpoint) => endpoint.containerPort === containerPort && endpoint.protocol === protocol)
      .map(({ port }) => ({ frontend, port }));
  return [
    ...published(template, "balanced").flatMap(({ publishedPort, containerPort, protocol }) =>
      target(portId({ port: publishedPort, protocol }), containerPort, protocol),
    ),
    ...template.routes.flatMap((route) => target(routeId(route), routedPort(template, route), "tcp")),
  ];
}

/** What makes a template's ports and routes impossible, whoever else wants them; each one sentence. */
export function frontendProblems(template: PinnedTemplate): readonly string[] {
  const { ports, hostPorts, routes } = frontendsOfTemplate(template);
  const problems = [...twice([...ports, ...hostPorts].map(portId))].map((port) => `ports: ${port} is published twice`);
  problems.push(...[...twice(routes.map(routeId))].map((route) => `routes: ${route.slice(2)} is given twice`));
  for (const route of template.routes)
    if (routedPort(template, route) === undefined)
      problems.push(`routes: ${route.host}${route.path} leads to no port: name the container's, as in ${route.host}:8080`);
  if (routes.length > 0)
    for (const { port, protocol } of [...ports, ...hostPorts])
      if (protocol === "tcp" && (port === 80 || port === 443))
        problems.push(`ports: on ${port}/tcp the routes answer: publish another port`);
  return problems;
}

function twice(keys: readonly string[]): ReadonlySet<string> {
  return new Set(keys.filter((key, index) => keys.indexOf(key) !== index));
}
