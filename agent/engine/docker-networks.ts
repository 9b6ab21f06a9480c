import { z } from "zod";
import { LABEL } from "../labels.ts";
import type { DockerConnection } from "./docker-connection.ts";
import { statusOf } from "./docker-errors.ts";
import { engineFailures } from "./failures.ts";
import type { EngineOwner } from "./owner.ts";
import type { EngineNetwork } from "./port.ts";

const CALL_DEADLINE_MS = 30_000;
const FORBIDDEN = 403;
const NOT_FOUND = 404;
const CONFLICT = 409;

const Listed = z.array(z.object({ Id: z.string(), Name: z.string() }));

/** Makes the networks that are missing and are ours to make. */
export async function requireNetworks(connection: DockerConnection, networks: readonly EngineNetwork[], doing: string): Promise<void> {
  for (const network of networks) {
    if (await exists(connection, network.name, doing)) continue;
    if (network.make === undefined) throw engineFailures.networkMissing(network.name);
    await make(connection, network.name, network.make, doing);
  }
}

/** A container is made on one network and joins the others before it starts; one that is there already stays as it is. */
export async function joinNetworks(
  connection: DockerConnection,
  containerId: string,
  networks: readonly EngineNetwork[],
  doing: string,
): Promise<void> {
  for (const network of networks) {
    const body = { Container: containerId, EndpointConfig: endpointOf(network) };
    await unless(
      FORBIDDEN,
      connection.command({ method: "POST", path: `/networks/${network.name}/connect`, body, doing, deadlineMs: CALL_DEADLINE_MS }),
    );
  }
}

/** How a container is on a network. */
export function endpointOf({ aliases, ipv4Address, ipv6Address }: EngineNetwork): Readonly<Record<string, unknown>> {
  const hasOwn = ipv4Address !== undefined || ipv6Address !== undefined;
  return { Aliases: aliases, ...(hasOwn && { IPAMConfig: { IPv4Address: ipv4Address, IPv6Address: ipv6Address } }) };
}

/** Networks of the owner that are not kept go, unless a container is still on them. */
export async function removeUnusedNetworks(
  connection: DockerConnection,
  { tenant, node }: EngineOwner,
  kept: ReadonlySet<string>,
): Promise<void> {
  const doing = "removing unused networks";
  const filters = JSON.stringify({ label: [`${LABEL.tenant}=${tenant}`, `${LABEL.node}=${node}`, LABEL.network] });
  const call = { method: "GET", path: "/networks", query: { filters }, doing, deadlineMs: CALL_DEADLINE_MS } as const;
  for (const { Id, Name } of await connection.ask(call, Listed)) {
    if (kept.has(Name)) continue;
    await unless(FORBIDDEN, connection.command({ method: "DELETE", path: `/networks/${Id}`, doing, deadlineMs: CALL_DEADLINE_MS }));
  }
}

async function exists(connection: DockerConnection, name: string, doing: string): Promise<boolean> {
  try {
    await connection.ask(
      { method: "GET", path: `/networks/${encodeURIComponent(name)}`, doing, deadlineMs: CALL_DEADLINE_MS },
      z.object({ Id: z.string() }),
    );
    return true;
  } catch (error) {
    if (statusOf(error) === NOT_FOUND) return false;
    throw error;
  }
}

async function make(
  connection: DockerConnection,
  name: string,
  { internal, ipv6, driverOptions, subnets, labels }: NonNullable<EngineNetwork["make"]>,
  doing: string,
): Promise<void> {
  const body = {
    Name: name,
    Driver: "bridge",
    CheckDuplicate: true,
    Internal: internal,
    EnableIPv6: ipv6,
    Options: driverOptions,
    Labels: labels,
    ...(subnets.length > 0 && {
      IPAM: {
        Driver: "default",
        Config: subnets.map(({ subnet, range, gateway, reserved }) => ({
          Subnet: subnet,
          IPRange: range,
          Gateway: gateway,
          AuxiliaryAddresses: reserved,
        })),
      },
    }),
  };
  // Somebody else on this node was quicker.
  await unless(CONFLICT, connection.command({ method: "POST", path: "/networks/create", body, doing, deadlineMs: CALL_DEADLINE_MS }));
}

async function unless(status: number, call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    const actual = statusOf(error);
    if (actual !== status && actual !== NOT_FOUND) throw error;
  }
}
