import type { PinnedTemplate } from "../actors/deployment/contract.ts";
import { reachedPorts } from "../actors/deployment/reached-contract.ts";
import { RESERVED_PORTS } from "../actors/ingress/contract.ts";
import type { Endpoint } from "../actors/node/observed-contract.ts";

/**
 * Where ingress nodes will reach them: what was chosen before stays; else a port of the node that nobody else has, searched for from a random place, so that
 * what another program holds is not tried again and again.
 */
export function chooseEndpoints(
  template: PinnedTemplate,
  known: readonly Endpoint[],
  taken: ReadonlySet<number>,
  chance: () => number,
): readonly Endpoint[] {
  const [first, last] = RESERVED_PORTS.replicas;
  const count = last - first + 1;
  const own = new Set(taken);
  return reachedPorts(template).flatMap(({ containerPort, protocol }) => {
    // In the node's own network it listens there already.
    if (template.namespaces?.network === "host") return [{ containerPort, protocol, port: containerPort }];
    const before = known.find((endpoint) => endpoint.containerPort === containerPort && endpoint.protocol === protocol);
    if (before !== undefined) return [before];
    const start = Math.floor(chance() * count);
    const port = Array.from({ length: count }, (_, step) => first + ((start + step) % count)).find((candidate) => !own.has(candidate));
    if (port === undefined) return [];
    own.add(port);
    return [{ containerPort, protocol, port }];
  });
}

/** For the label of a container, which tells them again should the agent lose its disk: `8080/tcp=24017 53/udp=25100`. */
export function endpointsText(endpoints: readonly Endpoint[]): string {
  return endpoints.map(({ containerPort, protocol, port }) => `${containerPort}/${protocol}=${port}`).join(" ");
}

/** What makes no sense is left out. */
export function endpointsOf(text: string): readonly Endpoint[] {
  return [...text.matchAll(/(?:^| )(\d{1,5})\/(tcp|udp)=(\d{1,5})(?= |$)/g)].map(([, containerPort, protocol, port]) => ({
    containerPort: Number(containerPort),
    protocol: protocol === "udp" ? "udp" : "tcp",
    port: Number(port),
  }));
}
