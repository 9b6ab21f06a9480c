import type { Network } from "../actors/deployment/network-contract.ts";
import type { Placement } from "../actors/node/assignment-contract.ts";
import type { EngineNetwork } from "./engine/port.ts";
import { hashSettings } from "./engine/settings-hash.ts";
import { LABEL } from "./labels.ts";

/** Characters of the hash that tell networks of one name and different settings apart. */
const HASH_CHARS = 8;

/**
 * `ody-acme-shop_default`: networks of different tenants on one node never meet. An engine cannot change a network that containers are on, so one with other
 * settings has another name; the old one goes with the last container on it.
 */
export function engineNetworkName(tenant: string, { name, internal, driverOptions, subnets, ipv6 }: Network): string {
  const settings = {
    ...(internal === true && { internal }),
    ...(ipv6 === true && { ipv6 }),
    ...(Object.keys(driverOptions ?? {}).length > 0 && { driverOptions }),
    ...(subnets !== undefined && { subnets }),
  };
  const apart = Object.keys(settings).length === 0 ? "" : `-${hashSettings(settings).slice(0, HASH_CHARS)}`;
  return `ody-${tenant}-${name}${apart}`;
}

/** Networks of a placement in the engine's words; everybody on them finds its replicas by the deployment's name too. */
export function desiredNetworks(
  { deployment, template }: Placement,
  { tenant, node }: { readonly tenant: string; readonly node: string },
): readonly EngineNetwork[] {
  return (template.networks ?? []).map((network) => {
    const { name, aliases = [], ipv4Address, ipv6Address, external = false } = network;
    const { internal = false, ipv6 = false, driverOptions = {}, subnets = [], labels } = network;
    return {
      name: external ? name : engineNetworkName(tenant, network),
      aliases: [...new Set([deployment, ...aliases])],
      ipv4Address,
      ipv6Address,
      make: external
        ? undefined
        : {
            internal,
            ipv6,
            driverOptions,
            subnets,
            labels: { ...labels, [LABEL.tenant]: tenant, [LABEL.node]: node, [LABEL.network]: name },
          },
    };
  });
}

/** What a container's label says of the networks it was made for: on others, somebody has put it. */
export function networksText(names: readonly string[]): string {
  return names.toSorted().join(" ");
}
