import type { Placement } from "../actors/node/contract.ts";
import type { EngineNetwork } from "./engine/port.ts";
import { LABEL } from "./labels.ts";

/** `ody-acme-shop_default`: networks of different tenants on one node never meet. */
export function engineNetworkName(tenant: string, name: string): string {
  return `ody-${tenant}-${name}`;
}

/** Networks of a placement in the engine's words; everybody on them finds its replicas by the deployment's name too. */
export function desiredNetworks(
  { deployment, template }: Placement,
  { tenant, node }: { readonly tenant: string; readonly node: string },
): readonly EngineNetwork[] {
  return (template.networks ?? []).map(({ name, aliases = [], internal = false, driverOptions = {}, labels, external = false }) => ({
    name: external ? name : engineNetworkName(tenant, name),
    aliases: [...new Set([deployment, ...aliases])],
    make: external
      ? undefined
      : {
          internal,
          driverOptions,
          labels: { ...labels, [LABEL.tenant]: tenant, [LABEL.node]: node, [LABEL.network]: name },
        },
  }));
}
