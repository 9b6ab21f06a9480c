import { z } from "zod";

const MAX_NETWORKS = 50;
const MAX_ALIASES = 100;
/** One of version 4 and one of version 6 are usual. */
const MAX_SUBNETS = 8;
const MAX_RESERVED = 50;
const Name = z
  .string()
  .max(128)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, "a name is of letters, digits, hyphens, dots and underscores");

/** Options of the engine's bridge that only reach within the network. Others, such as the name of a bridge, would reach into the node. */
export const BRIDGE_OPTIONS = [
  "com.docker.network.driver.mtu",
  "com.docker.network.bridge.enable_icc",
  "com.docker.network.bridge.enable_ip_masquerade",
  "com.docker.network.container_iface_prefix",
] as const;

const Address = z.union([z.ipv4(), z.ipv6()]);
const Range = z.union([z.cidrv4(), z.cidrv6()]);

/** Addresses of the network, on each node that has it. Whether they are free there, its engine says when the network is made. */
const Subnet = z.strictObject({
  subnet: Range,
  /** Within the subnet: containers are given addresses of this range alone. */
  range: Range.optional(),
  gateway: Address.optional(),
  /** Given to no container, by what they are for. */
  reserved: z
    .record(z.string().min(1).max(200), Address)
    .refine((addresses) => Object.keys(addresses).length <= MAX_RESERVED, `at most ${MAX_RESERVED} addresses`)
    .optional(),
});

/**
 * A network among the containers of one node: who is on it finds the others by their names and aliases, and nobody else does. With other settings it is another
 * network, even under the same name: after a change, replicas that were replaced and those that were not yet do not find each other.
 */
export const Network = z.strictObject({
  /** Among all of the tenant's; of one that is there already, the engine's own. */
  name: Name,
  /** By which others on it find the replica, beside the deployment's name. */
  aliases: z.array(Name).max(MAX_ALIASES).optional(),
  /** The replica's own, within a subnet of the network: only one replica can have it. Absent: the engine chooses. */
  ipv4Address: z.ipv4().optional(),
  ipv6Address: z.ipv6().optional(),
  /** Nothing beyond the node is reached from it. */
  internal: z.boolean().optional(),
  driverOptions: z.partialRecord(z.enum(BRIDGE_OPTIONS), z.string().max(200)).optional(),
  /** Absent: the engine chooses. */
  subnets: z.array(Subnet).min(1).max(MAX_SUBNETS).optional(),
  /** It has addresses of version 6, too. */
  ipv6: z.boolean().optional(),
  labels: z.record(z.string().min(1).max(200), z.string().max(1_000)).optional(),
  /** It was there before, under this very name, and is not made. */
  external: z.boolean().optional(),
});
export type Network = z.infer<typeof Network>;

/** Two replicas cannot have one address, so the old one goes before the new one comes. */
export function hasOwnAddress(networks: readonly Network[] | undefined): boolean {
  return (networks ?? []).some(({ ipv4Address, ipv6Address }) => ipv4Address !== undefined || ipv6Address !== undefined);
}

export const Networks = z
  .array(Network)
  .max(MAX_NETWORKS)
  .refine((networks) => new Set(networks.map(({ name }) => name)).size === networks.length, "a network is named twice");
