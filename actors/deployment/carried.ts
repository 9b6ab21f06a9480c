import { diff } from "./change.ts";
import type { PinnedTemplate, Port } from "./contract.ts";
import { reachedPorts } from "./reached-contract.ts";

/** What a replica carries of its template: the part that its container is made of, its agent acts on, or its node was chosen by. */

/** Under this name a plan says that other ports of the containers are to be reached from other nodes than now. */
const REACHED = "reachable container ports";

/** Of all fields, these are what the control plane and the ingress act on alone. A field that is added is carried until it is listed here. */
function carriedFields({
  routes,
  drainMs: _drainMs,
  deploymentLabels: _deploymentLabels,
  rollout: _rollout,
  partition: _partition,
  ports,
  ...carried
}: PinnedTemplate): Readonly<Record<string, unknown>> {
  const reached = reachedPorts({ ports, routes, namespaces: carried.namespaces })
    .map(({ containerPort, protocol }) => `${containerPort}/${protocol}`)
    .sort();
  return { ...carried, ports: ports.map(carriedPort), [REACHED]: reached };
}

/** Where a balanced port is published, and what is spoken on it, is the ingress's. In their order: the first is the one that is probed. */
function carriedPort({ containerPort, protocol, mode, publishedPort, address }: Port): Readonly<Record<string, unknown>> {
  return mode === "host" ? { containerPort, protocol, publishedPort, address } : { containerPort, protocol };
}

/** Those of the changed fields that no replica can take on, so that each is replaced; none: all stay. */
export function replacingFields(before: PinnedTemplate, after: PinnedTemplate): readonly string[] {
  const fields = diff(carriedFields(before), carriedFields(after)).map(({ path }) => path.split(".", 1)[0] ?? path);
  return [...new Set(fields)];
}
