import { BRIDGE_OPTIONS } from "../deployment/network-contract.ts";
import { pairs } from "./environment.ts";
import { type Definition, externalRule, fullName, labelsRule, nameRule, newDefinition, readDefinition } from "./definition-fields.ts";
import { different, type FieldTable, honoured, passedOver, type Rule } from "./fields.ts";
import type { Place, Reading } from "./reading.ts";
import type { NetworkDefinition } from "./resources.ts";
import { ipamRule } from "./network-addresses.ts";

export interface NetworkSettings extends Definition {
  internal?: boolean;
  ipv6?: boolean;
  subnets?: NonNullable<NetworkDefinition["subnets"]>;
  isOverlay?: boolean;
  /** Of another driver than a bridge, or for the node's owner to set. */
  otherOptions?: readonly { readonly name: string; readonly at: Place }[];
}

function isOfBridge(name: string): boolean {
  return BRIDGE_OPTIONS.some((option) => option === name);
}

/** How the node would call the bridge: no container sees it. */
const BRIDGE_NAME = "com.docker.network.bridge.name";

/** Those of an overlay are about what is between nodes, where nothing is. */
function sayOtherOptions(reading: Reading, { isOverlay, otherOptions = [] }: NetworkSettings): void {
  for (const { name, at } of otherOptions)
    if (name === BRIDGE_NAME) reading.differs(at, `${name} is passed over: a bridge is named by the engine of its node.`, "leave it out.");
    else if (isOverlay === true) reading.differs(at, `The option ${name} is one of an overlay, and changes nothing.`, "leave it out.");
    else
      reading.refuse(
        at,
        `The option ${name} reaches into the node, or is not one of a bridge.`,
        `leave it out; ${BRIDGE_OPTIONS.join(", ")} are taken.`,
      );
}

const fields: FieldTable<NetworkSettings> = {
  name: nameRule,
  driver: different(
    "bridge, and overlay means the same: services on a network find each other on one node, where their replicas stay together. Others are refused.",
    (reading, at, network) => {
      const driver = reading.text(at);
      if (driver === "overlay") {
        network.isOverlay = true;
        reading.differs(at, "No network spans nodes yet: services that share one run on one node together.", "leave it out.");
      } else if (driver !== undefined && driver !== "" && driver !== "bridge" && driver !== "default")
        reading.refuse(at, `The driver ${driver} cannot be had: networks are bridges of one node.`, "leave it out.");
    },
  ),
  driver_opts: different(
    "mtu, enable_icc, enable_ip_masquerade and container_iface_prefix of the bridge; its name is passed over; others reach into the node.",
    (reading, place, network) => {
      const options = Object.entries(pairs(reading, place, () => ""));
      network.driverOptions = Object.fromEntries(options.filter(([name]) => isOfBridge(name)));
      network.otherOptions = options.filter(([name]) => !isOfBridge(name)).map(([name]) => ({ name, at: place }));
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
  enable_ipv4: passedOver("Networks always have IPv4.", "leave it out.", ["true"]),
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
      sayOtherOptions(reading, network);
      const { external, internal, ipv6, subnets, labels, driverOptions = {} } = network;
      reading.resources.networks.set(key, {
        name: fullName(reading, key, network),
        ...(external && { external }),
        ...(internal !== undefined && { internal }),
        ...(ipv6 !== undefined && { ipv6 }),
        ...(subnets !== undefined && { subnets: [...subnets] }),
        ...(labels !== undefined && { labels }),
        ...(Object.keys(driverOptions).length > 0 && { driverOptions }),
      });
    }
  }, fields),
  mayBeEmpty: true,
};
