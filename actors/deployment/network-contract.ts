import { z } from "zod";

const MAX_NETWORKS = 50;
const MAX_ALIASES = 100;
const Name = z
  .string()
  .max(128)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, "a name is of letters, digits, hyphens, dots and underscores");

/** Options of the engine's bridge that only reach within the network. Others, such as the name of a bridge, would reach into the node. */
const BRIDGE_OPTIONS = [
  "com.docker.network.driver.mtu",
  "com.docker.network.bridge.enable_icc",
  "com.docker.network.bridge.enable_ip_masquerade",
] as const;

/** A network among the containers of one node: who is on it finds the others by their names and aliases, and nobody else does. */
export const Network = z.strictObject({
  /** Among all of the tenant's; of one that is there already, the engine's own. */
  name: Name,
  /** By which others on it find the replica, beside the deployment's name. */
  aliases: z.array(Name).max(MAX_ALIASES).optional(),
  /** Nothing beyond the node is reached from it. */
  internal: z.boolean().optional(),
  driverOptions: z.partialRecord(z.enum(BRIDGE_OPTIONS), z.string().max(200)).optional(),
  labels: z.record(z.string().min(1).max(200), z.string().max(1_000)).optional(),
  /** It was there before, under this very name, and is not made. */
  external: z.boolean().optional(),
});
export type Network = z.infer<typeof Network>;

export const Networks = z
  .array(Network)
  .max(MAX_NETWORKS)
  .refine((networks) => new Set(networks.map(({ name }) => name)).size === networks.length, "a network is named twice");
