import { isIP } from "node:net";
import { pairs } from "./environment.ts";
import { different, type FieldTable, honoured, readFields, refused, type Rule } from "./fields.ts";
import type { NetworkDefinition } from "./resources.ts";

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
type Subnet = NonNullable<NetworkDefinition["subnets"]>[number];
type Draft = Partial<Writable<Subnet>>;

const MAX_BITS_V4 = 32;
const MAX_BITS_V6 = 128;

interface Addressed {
  subnets?: readonly Subnet[];
}

const text = (field: "subnet" | "range" | "gateway", isOne: (text: string) => boolean, like: string): Rule<Draft> =>
  honoured((reading, at, subnet) => {
    const written = reading.text(at);
    if (written === undefined || written === "") return;
    if (isOne(written)) subnet[field] = written;
    else reading.invalid(at, `"${written}" is not a ${field}.`, `write it like ${like}.`);
  });

/** `172.28.0.0/16`. */
function isRange(written: string): boolean {
  const [, address = "", bits = ""] = /^(.+)\/(\d{1,3})$/.exec(written) ?? [];
  const version = isIP(address);
  return version !== 0 && Number(bits) <= (version === 4 ? MAX_BITS_V4 : MAX_BITS_V6);
}

const subnetFields: FieldTable<Draft> = {
  subnet: text("subnet", isRange, "172.28.0.0/16"),
  ip_range: text("range", isRange, "172.28.5.0/24"),
  gateway: text("gateway", (written) => isIP(written) !== 0, "172.28.0.1"),
  aux_addresses: honoured((reading, at, subnet) => {
    subnet.reserved = pairs(reading, at, () => "");
  }),
};

const ipamFields: FieldTable<Addressed> = {
  driver: different("Only the engine's own.", (reading, at) => {
    const driver = reading.text(at);
    if (driver !== undefined && driver !== "" && driver !== "default")
      reading.refuse(at, `The driver ${driver} would have to be on every node.`, "leave it out.");
  }),
  config: honoured((reading, place, network) => {
    const subnets = reading.items(place).flatMap((item): readonly Subnet[] => {
      const read: Draft = {};
      readFields(reading, item, subnetFields, read);
      const { subnet, ...rest } = read;
      if (subnet !== undefined) return [{ subnet, ...rest }];
      if (Object.keys(rest).length === 0) return [];
      return reading.invalid(item, "Addresses need the subnet they are in.", "write subnet: 172.28.0.0/16.") ?? [];
    });
    if (subnets.length > 0) network.subnets = subnets;
  }, subnetFields),
  options: refused("The engine's own driver has no options.", "leave it out."),
};

/** `ipam` of a network: addresses that are chosen by the manifest and not by each node's engine. */
export const ipamRule: Rule<Addressed> = different(
  "Every node that has the network gives it these addresses; where they are taken there, no replica on it starts.",
  (reading, at, network) => readFields(reading, at, ipamFields, network),
  ipamFields,
);
