import { isIP } from "node:net";
import { ContainerSettings, FurtherLimits } from "../actors/deployment/container-contract.ts";
import type { Placement } from "../actors/node/assignment-contract.ts";
import type { Endpoint } from "../actors/node/observed-contract.ts";
import { desiredNetworks, networksText } from "./desired-networks.ts";
import { desiredMounts, fileMounts } from "./desired-mounts.ts";
import type { DesiredContainer } from "./engine/port.ts";
import { endpointsText } from "./endpoints.ts";
import { LABEL } from "./labels.ts";

const LABEL_ROOT = "dev.odysseus.";
/** Host names longer than this are refused by the kernel. */
const MAX_HOSTNAME_CHARS = 63;

/** Where and when an attempt is made: what its labels say besides the placement itself. */
export interface AttemptContext {
  readonly tenant: string;
  readonly node: string;
  readonly epoch: number;
  /** Number of the assignment that asked for it. */
  readonly generation: number;
  /** Of the node, on the network between the nodes. */
  readonly address: string;
}

/** `ody-acme-web-3-7-1`: tenant, deployment, slot, the placement's number, attempt. The same attempt always has the same name, so it is never made twice. */
export function containerName(tenant: string, placement: Pick<Placement, "placementId" | "deployment" | "slot">, attempt: number): string {
  const sequence = placement.placementId.slice(placement.placementId.lastIndexOf(".") + 1);
  return `ody-${tenant}-${placement.deployment}-${placement.slot}-${sequence}-${attempt}`;
}

/** What was made ready for an attempt. */
export interface AttemptParts {
  readonly endpoints: readonly Endpoint[];
  /** Where the engine finds the template's files, in their order. */
  readonly filePaths: readonly string[];
}

/** What the engine is asked for. The person's own labels never hide ours. */
export function desiredContainer(
  placement: Placement,
  attempt: number,
  context: AttemptContext,
  { endpoints, filePaths }: AttemptParts,
): DesiredContainer {
  const { template } = placement;
  const networks = desiredNetworks(placement, context);
  const theirs = Object.entries(template.labels).filter(([key]) => !key.startsWith(LABEL_ROOT));
  return {
    name: containerName(context.tenant, placement, attempt),
    image: template.image,
    labels: {
      ...Object.fromEntries(theirs),
      [LABEL.tenant]: context.tenant,
      [LABEL.node]: context.node,
      [LABEL.deployment]: placement.deployment,
      [LABEL.slot]: String(placement.slot),
      [LABEL.revision]: String(placement.revision),
      [LABEL.placement]: placement.placementId,
      [LABEL.attempt]: String(attempt),
      [LABEL.epoch]: String(context.epoch),
      [LABEL.generation]: String(context.generation),
      ...(endpoints.length > 0 && { [LABEL.endpoints]: endpointsText(endpoints) }),
      ...(networks.length > 0 && { [LABEL.networks]: networksText(networks.map(({ name }) => name)) }),
    },
    entrypoint: template.entrypoint,
    command: template.command,
    environment: template.environment,
    ports: [
      ...template.ports.map(({ containerPort, publishedPort, protocol, mode, address }) => ({
        containerPort,
        publishedPort: mode === "host" ? publishedPort : undefined,
        protocol,
        address,
      })),
      // A name is no address to bind to; the node's rules keep others out either way.
      ...endpoints.map(({ containerPort, protocol, port }) => ({
        containerPort,
        publishedPort: port,
        protocol,
        address: isIP(context.address) === 0 ? undefined : context.address,
      })),
    ],
    cpuLimitMillis: template.resources.cpuLimitMillis,
    memoryLimitBytes: template.resources.memoryLimitBytes,
    user: template.user,
    workingDirectory: template.workingDirectory,
    stopSignal: template.stopSignal,
    stopGraceMs: template.stopGraceMs,
    hostname: hostnameOf(placement),
    mounts: [...desiredMounts(template.mounts ?? [], context), ...fileMounts(template.files ?? [], filePaths)],
    networks,
    settings: ContainerSettings.parse(template),
    limits: FurtherLimits.parse(template.resources),
  };
}

function hostnameOf({ deployment, slot, template: { hostname, namespaces } }: Placement): string | undefined {
  const isTheNodes = namespaces?.uts === "host" || namespaces?.network === "host";
  return hostname ?? (isTheNodes ? undefined : `${deployment}-${slot}`.slice(0, MAX_HOSTNAME_CHARS));
}

/** A number of a label; 0 when it is missing or was tampered with. */
export function labelNumber(labels: Readonly<Record<string, string>>, label: string): number {
  const value = Number(labels[label]);
  return Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
