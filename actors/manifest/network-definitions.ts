import {
  type Definition,
  driverOptionsRule,
  externalRule,
  fullName,
  labelsRule,
  nameRule,
  newDefinition,
  readDefinition,
} from "./definition-fields.ts";
import { different, type FieldTable, honoured, passedOver, refusedFlag, type Rule } from "./fields.ts";

interface NetworkSettings extends Definition {
  internal?: boolean;
}

const fields: FieldTable<NetworkSettings> = {
  name: nameRule,
  driver: different("Only bridge: containers of one node find each other; nodes have no network between them yet.", (reading, at) => {
    const driver = reading.text(at);
    if (driver !== undefined && driver !== "" && driver !== "bridge" && driver !== "default")
      reading.refuse(at, `The driver ${driver} cannot be had: networks are bridges of one node.`, "leave it out.");
  }),
  driver_opts: {
    ...driverOptionsRule,
    support: "different",
    note: "mtu, enable_icc and enable_ip_masquerade of the bridge; others reach into the node.",
  },
  internal: honoured((reading, at, network) => {
    if (reading.flag(at) === true) network.internal = true;
  }),
  external: externalRule(
    "A network that is there already is used only on nodes that have it, and whose agent's settings allow it, under allow.networks.",
  ),
  labels: labelsRule,
  attachable: passedOver("Every container of the tenant may be given it.", "leave it out."),
  enable_ipv4: passedOver("Networks have IPv4.", "leave it out.", ["true"]),
  enable_ipv6: refusedFlag("Networks have IPv4 alone.", "leave it out."),
  ipam: passedOver(
    "Each node's engine chooses the addresses of its networks: nobody else knows which are free there.",
    "leave it out, and use names.",
  ),
};

/** `networks` of a manifest. */
export const networksDefinitionRule: Rule<unknown> = {
  ...honoured((reading, at) => {
    if (reading.isNull(at)) return;
    for (const [key, place] of reading.fields(at)) {
      if (key.startsWith("x-")) continue;
      const network = readDefinition<NetworkSettings>(reading, place, fields, newDefinition());
      const { external, internal, labels, driverOptions } = network;
      reading.resources.networks.set(key, {
        name: fullName(reading, key, network),
        ...(external && { external }),
        ...(internal !== undefined && { internal }),
        ...(labels !== undefined && { labels }),
        ...(driverOptions !== undefined && { driverOptions }),
      });
    }
  }, fields),
  mayBeEmpty: true,
};
