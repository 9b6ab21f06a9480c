import { BRIDGE_OPTIONS } from "../deployment/network-contract.ts";
import { pairs } from "./environment.ts";
import { type Definition, externalRule, fullName, labelsRule, nameRule, newDefinition, readDefinition } from "./definition-fields.ts";
import { different, type FieldTable, honoured, passedOver, type Rule } from "./fields.ts";
import type { NetworkDefinition } from "./resources.ts";
import { ipamRule } from "./network-addresses.ts";

export interface NetworkSettings extends Definition {
  internal?: boolean;
  ipv6?: boolean;
  subnets?: NonNullable<NetworkDefinition["subnets"]>;
}

const fields: FieldTable<NetworkSettings> = {
  name: nameRule,
  driver: different("Only bridge: containers of one node find each other; nodes have no network between them yet.", (reading, at) => {
    const driver = reading.text(at);
    if (driver !== undefined && driver !== "" && driver !== "bridge" && driver !== "default")
      reading.refuse(at, `The driver ${driver} cannot be had: networks are bridges of one node.`, "leave it out.");
  }),
  driver_opts: different(
    "mtu, enable_icc, enable_ip_masquerade and container_iface_prefix of the bridge; others reach into the node.",
    (reading, place, network) => {
      network.driverOptions = pairs(reading, place, () => "");
      for (const name of Object.keys(network.driverOptions))
        if (!BRIDGE_OPTIONS.some((option) => option === name))
          reading.refuse(
            place,
            `The option ${name} reaches into the node, or is not one of a bridge.`,
            `leave it out; ${BRIDGE_OPTIONS.join(", ")} are taken.`,
          );
    },
  ),
  internal: honoured((reading, at, network) => {
    if (reading.flag(at) === true) network.internal = true;
  }),
  external: externalRule(
    "A network that is there already is used only on nodes that have it, and whose agent's settings allow it, under allow.networks.",
  ),
  labels: labelsRule,
  attachable: passedOver("Every container of the tenant may be given it.", "leave it out."),
  enable_ipv4: passedOver("Networks have IPv4.", "leave it out.", ["true"]),
  enable_ipv6: different("Before version 27, engines want a subnet of version 6 beside it.", (reading, at, network) => {
    if (reading.flag(at) === true) network.ipv6 = true;
  }),
  ipam: ipamRule,
};

/** `networks` of a manifest. */
export const networksDefinitionRule: Rule<unknown> = {
  ...honoured((reading, at) => {
    if (reading.isNull(at)) return;
    for (const [key, place] of reading.fields(at)) {
      if (key.startsWith("x-")) continue;
      const network = readDefinition<NetworkSettings>(reading, place, fields, newDefinition());
      const { external, internal, ipv6, subnets, labels, driverOptions } = network;
      reading.resources.networks.set(key, {
        name: fullName(reading, key, network),
        ...(external && { external }),
        ...(internal !== undefined && { internal }),
        ...(ipv6 !== undefined && { ipv6 }),
        ...(subnets !== undefined && { subnets: [...subnets] }),
        ...(labels !== undefined && { labels }),
        ...(driverOptions !== undefined && { driverOptions }),
      });
    }
  }, fields),
  mayBeEmpty: true,
};
