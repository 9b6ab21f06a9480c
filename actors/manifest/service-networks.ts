import type { Draft, Spec } from "./draft.ts";
import { different, type FieldTable, honoured, passedOver, readFields, refused, type Rule } from "./fields.ts";
import type { Place, Reading } from "./reading.ts";

type NetworkInput = NonNullable<Spec["networks"]>[number];

/** Every service is on it that says nothing else. */
const DEFAULT = "default";

interface Joining {
  aliases: string[];
  priority: number;
  ipv4Address?: string;
  ipv6Address?: string;
  /** Where its own address stands. */
  addressAt?: Place;
}

const ownAddress = (field: "ipv4Address" | "ipv6Address"): Rule<Joining> =>
  different(
    "Of a service with one replica, on a network with a subnet of its own; an update stops the old replica first.",
    (reading, at, joining) => {
      const address = reading.text(at);
      if (address === undefined || address === "") return;
      joining[field] = address;
      joining.addressAt = at;
    },
  );
const byTheEngine = (): Rule<unknown> => refused("The engine gives it out, when a replica joins the network.", "leave it out.");

const fields: FieldTable<Joining> = {
  aliases: honoured((reading, at, joining) => {
    joining.aliases = reading.items(at).map((item) => reading.text(item) ?? "");
  }),
  priority: honoured((reading, at, joining) => {
    joining.priority = reading.wholeNumber(at) ?? 0;
  }),
  gw_priority: passedOver("The engine chooses by which network a container reaches the world.", "leave it out."),
  ipv4_address: ownAddress("ipv4Address"),
  ipv6_address: ownAddress("ipv6Address"),
  link_local_ips: byTheEngine(),
  mac_address: byTheEngine(),
  use_service_name_alias: different("A service is found by its name on each network it is on.", (reading, at) => {
    if (reading.flag(at) === false) reading.refuse(at, "A service is found by its name on each network it is on.", "leave it out.");
  }),
  interface_name: refused("Interfaces are named by the engine.", "leave it out."),
  driver_opts: refused("Options of one connection cannot be given.", "leave it out."),
};

/** `networks` of a service: a list of names, or a mapping. */
export const serviceNetworksRule: Rule<Draft> = different(
  "Services on a network find each other by name on one node; until nodes have a network between them, their replicas stay together.",
  (reading, place, draft) => {
    draft.networksAt = place;
    const joinings = reading.isList(place)
      ? reading.items(place).map((item) => ({ key: reading.text(item) ?? "", at: item, ...plain() }))
      : [...reading.fields(place)].map(([key, at]) => ({ key, at, ...readJoining(reading, at) }));
    for (const { key, at, ...joining } of joinings.toSorted((a, b) => b.priority - a.priority)) {
      const network = networkOf(reading, at, key);
      if (network !== undefined)
        draft.joined.push({ ...network, aliases: joining.aliases, ...ownAddresses(reading, joining, network, draft) });
    }
  },
  fields,
);

/** An engine takes them only within a subnet that somebody chose. */
function ownAddresses(
  reading: Reading,
  { ipv4Address, ipv6Address, addressAt }: Joining,
  { name, external, subnets }: NetworkInput,
  draft: Draft,
): Partial<NetworkInput> {
  if (addressAt === undefined) return {};
  draft.ownAddressAt = addressAt;
  if (external !== true && subnets === undefined)
    return (
      reading.invalid(
        addressAt,
        `The network ${name} has no subnet of its own, so no address in it can be chosen.`,
        "write ipam: {config: [{subnet: 172.28.0.0/16}]} on the network.",
      ) ?? {}
    );
  return { ...(ipv4Address !== undefined && { ipv4Address }), ...(ipv6Address !== undefined && { ipv6Address }) };
}

function plain(): Joining {
  return { aliases: [], priority: 0 };
}

function readJoining(reading: Reading, at: Place): Joining {
  const joining = plain();
  if (!reading.isNull(at)) readFields(reading, at, fields, joining);
  return joining;
}

function networkOf(reading: Reading, at: Place, key: string): NetworkInput | undefined {
  const network = reading.resources.networks.get(key);
  if (network !== undefined) return network;
  if (key === DEFAULT) return { name: `${reading.project}_${DEFAULT}` };
  return reading.findings.error(
    "reference",
    at,
    `There is no network "${key}" under networks, where Compose wants one.`,
    `write networks: and below it ${key}:`,
  );
}

/**
 * Call once the service was read: who says nothing is on the project's own network, and everybody is found by the service's name. A service that is alone
 * in its project would find nobody there, and an engine has addresses for some thirty networks only.
 */
export function finishNetworks(reading: Reading, place: Place, service: string, isAlone: boolean, draft: Draft): void {
  const at = draft.networksAt;
  // Said whole, under x-odysseus.
  if (draft.spec.networks !== undefined) return;
  if (draft.hasOwnNetworkMode) {
    if (at !== undefined && draft.joined.length > 0)
      reading.invalid(at, "A service with a network_mode is on no networks.", "leave one of them out.");
    return;
  }
  if (at === undefined && !isAlone) {
    const usual = networkOf(reading, place, DEFAULT);
    if (usual !== undefined) draft.joined.push(usual);
  }
  const { replicas = 1 } = draft.spec;
  if (draft.ownAddressAt !== undefined && replicas > 1)
    reading.refuse(
      draft.ownAddressAt,
      `${replicas} replicas cannot have one address.`,
      "leave it out and use the service's name, or write replicas: 1.",
    );
  if (draft.joined.length === 0) return;
  const own = draft.containerName === undefined ? [service] : [service, draft.containerName];
  const networks = draft.joined.map((network) => ({ ...network, aliases: [...new Set([...own, ...(network.aliases ?? [])])] }));
  draft.set("networks", networks, at ?? place);
}

interface OnNetworks {
  readonly spec: { readonly mode?: Spec["mode"]; readonly networks?: readonly NetworkInput[] | undefined };
}

/** Those of whom another one is on the same network of the project. */
function inOneNetwork<Item extends OnNetworks>(items: readonly Item[]): ReadonlySet<Item> {
  const users = new Map<string, Item[]>();
  for (const item of items) {
    for (const { name, external } of item.spec.networks ?? []) if (external !== true) users.set(name, [...(users.get(name) ?? []), item]);
  }
  return new Set([...users.values()].filter((group) => group.length > 1).flat());
}

/** Those that find each other by name on one node alone. One that is on every node is tied to none, and ties nobody: it meets each wherever that is. */
export function tiedByNetwork<Item extends OnNetworks>(items: readonly Item[]): ReadonlySet<Item> {
  return inOneNetwork(items.filter(({ spec }) => spec.mode !== "global"));
}

/** Services that find each other by name can do so on one node alone: they are kept together there. */
export function keepTogether(reading: Reading, place: Place, drafts: readonly Draft[]): void {
  for (const { spec, origins } of inOneNetwork(drafts)) {
    const at = spec.mode === "global" ? origins.get("mode") : undefined;
    if (at !== undefined) reading.differs(at, "On each node, names lead to and from the replica there only among what runs on that node.");
  }
  const tied = tiedByNetwork(drafts);
  if (tied.size === 0) return;
  for (const draft of tied) draft.spec.together ??= reading.project;
  reading.differs(
    place,
    "Services find each other by name on one node, so all their replicas run on one until nodes have a network between them.",
    "give network_mode: bridge to a service that needs no other's name, and it runs anywhere.",
  );
}
