import { pairs } from "./environment.ts";
import { different, type FieldTable, honoured, readFields, refused, type Rule } from "./fields.ts";
import type { NetworkDefinition } from "./resources.ts";

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
type Subnet = NonNullable<NetworkDefinition["subnets"]>[number];
type Draft = Partial<Writable<Subnet>>;

interface Addressed {
  subnets?: readonly Subnet[];
}

const text = (field: "subnet" | "range" | "gateway"): Rule<Draft> =>
  honoured((reading, at, subnet) => {
    const written = reading.text(at);
    if (written !== undefined && written !== "") subnet[field] = written;
  });

const subnetFields: FieldTable<Draft> = {
  subnet: text("subnet"),
  ip_range: text("range"),
  gateway: text("gateway"),
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
