import type { Draft, PortInput } from "./draft.ts";
import { different, type FieldTable, honoured, readFields, type Rule } from "./fields.ts";
import { parsePort, parseRange, type PortParts, type PortRange } from "./port-syntax.ts";
import type { Place, Reading } from "./reading.ts";

/** A longer range than a deployment may have ports is refused before it is written out. */
const MAX_RANGE = 100;
/** Compose's words for any address of the node: published ports answer on all of them. */
const ANY_ADDRESS: ReadonlySet<string> = new Set(["", "0.0.0.0", "::"]);
/** Where only the node itself is answered; each node has them. */
const OWN_ADDRESSES = ["127.0.0.1", "::1"] as const;

/** Names of protocols that are balanced by request; gRPC is HTTP/2 in clear, which has more than one name. */
const BY_REQUEST: ReadonlyMap<string, "http" | "grpc"> = new Map([
  ["http", "http"],
  ["grpc", "grpc"],
  ["h2c", "grpc"],
  ["kubernetes.io/h2c", "grpc"],
]);

interface LongPort {
  target?: string;
  published?: string;
  protocol?: string;
  address?: Place;
  publishedAt?: Place;
  mode?: "host" | "balanced";
  appProtocol?: "http" | "grpc" | "tcp";
}

const text = (field: "target" | "protocol"): Rule<LongPort> =>
  honoured((reading, at, port) => {
    const written = reading.text(at);
    if (written !== undefined) port[field] = written;
  });

const longFields: FieldTable<LongPort> = {
  target: text("target"),
  published: honoured((reading, at, port) => {
    port.publishedAt = at;
    port.published = reading.text(at) ?? "";
  }),
  protocol: text("protocol"),
  host_ip: different(
    "0.0.0.0, which is all addresses of every node, or 127.0.0.1 and ::1, which are of the replica's own node; others are refused.",
    (_reading, at, port) => {
      port.address = at;
    },
  ),
  mode: honoured((reading, at, port) => {
    const mode = reading.oneOf(at, ["host", "ingress"]);
    if (mode !== undefined) port.mode = mode === "host" ? "host" : "balanced";
  }),
  name: honoured((reading, at) => void reading.text(at)),
  app_protocol: different(
    "http is balanced by request, and so is grpc (h2c, kubernetes.io/h2c), which reaches replicas over HTTP/2 in clear; every other protocol by connection.",
    (reading, at, port) => {
      const spoken = reading.text(at);
      if (spoken !== undefined) port.appProtocol = BY_REQUEST.get(spoken) ?? "tcp";
    },
  ),
};

/** `ports` of a service. */
export const portsRule: Rule<Draft> = different(
  "Answers on every node that takes traffic, over all replicas; with mode host on the node of each replica. A port without a published one is not published at random.",
  (reading, place, draft) => {
    const ports = reading.items(place).flatMap((item) => (reading.isMap(item) ? longPort(reading, item) : shortPort(reading, item)));
    draft.set("ports", [...new Map(ports.map((port) => [JSON.stringify(port), port])).values()], place);
  },
  longFields,
);

/** `expose` of a service: ports that are open to other replicas and not published. */
export const exposeRule: Rule<Draft> = honoured((reading, place, draft) => {
  for (const item of reading.items(place)) {
    const written = reading.text(item);
    const parts = written === undefined ? undefined : parsePort(written);
    const range = parts === undefined || parts.published !== "" ? undefined : rangeOf(reading, item, parts.target);
    const protocol = parts?.protocol;
    if (range === undefined || (protocol !== "tcp" && protocol !== "udp")) {
      if (written !== undefined && (parts === undefined || range !== undefined))
        reading.invalid(item, `"${written}" is not a port.`, 'write "80" or "53/udp".');
      continue;
    }
    for (let port = range.first; port <= range.last; port += 1) draft.expose({ containerPort: port, protocol });
  }
});

function shortPort(reading: Reading, item: Place): readonly PortInput[] {
  const written = reading.text(item);
  if (written === undefined) return [];
  const parts = parsePort(written);
  if (parts === undefined)
    return reading.invalid(item, `"${written}" is not a port.`, 'write "PUBLISHED:CONTAINER", like "8080:80".') ?? [];
  return made(reading, { whole: item, address: item, published: item }, parts);
}

function longPort(reading: Reading, item: Place): readonly PortInput[] {
  const port: LongPort = {};
  readFields(reading, item, longFields, port);
  const address = port.address === undefined ? "" : reading.text(port.address);
  if (port.target === undefined) return reading.invalid(item, "A port needs its target: the port in the container.") ?? [];
  if (address === undefined) return [];
  return made(
    reading,
    { whole: item, address: port.address ?? item, published: port.publishedAt ?? item },
    {
      address,
      target: port.target,
      published: port.published ?? "",
      protocol: port.protocol ?? "tcp",
    },
  ).map((made) => ({
    ...made,
    ...(port.mode !== undefined && made.address === undefined && { mode: port.mode }),
    ...(port.appProtocol !== undefined && { appProtocol: port.appProtocol }),
  }));
}

/** Where its parts stand; in the short form all are one. */
interface PortPlaces {
  readonly whole: Place;
  readonly address: Place;
  readonly published: Place;
}

/** A range on both sides is one port after the other. */
function made(reading: Reading, at: PortPlaces, { address, target, published, protocol }: PortParts): readonly PortInput[] {
  const own = OWN_ADDRESSES.find((one) => one === (address === "localhost" ? "127.0.0.1" : address));
  if (own === undefined && !ANY_ADDRESS.has(address))
    return (
      reading.refuse(
        at.address,
        `The address ${address} is of one machine: a published port answers on all addresses of every node.`,
        `write ${published === "" ? target : `${published}:${target}`}, and close the port to others in the node's firewall.`,
      ) ?? []
    );
  if (protocol !== "tcp" && protocol !== "udp")
    return reading.refuse(at.whole, `"${protocol}" is not a protocol that can be published.`, "write tcp or udp.") ?? [];
  const inside = rangeOf(reading, at.whole, target);
  if (inside === undefined) return [];
  const count = inside.last - inside.first + 1;
  if (published === "") {
    reading.differs(
      at.whole,
      `Port ${target} is not published: no port of the node is chosen at random.`,
      `write "${target}:${target}" to publish it.`,
    );
    return Array.from({ length: count }, (_, index) => ({ containerPort: inside.first + index, protocol }));
  }
  if (count === 1 && published.includes("-"))
    return (
      reading.refuse(
        at.published,
        `"${published}" is a choice of ports; which one is taken cannot be left open.`,
        "write the port to publish.",
      ) ?? []
    );
  const outside = rangeOf(reading, at.published, published);
  if (outside === undefined) return [];
  if (outside.last - outside.first + 1 !== count)
    return reading.invalid(at.published, `"${published}" and "${target}" are ranges of different lengths.`) ?? [];
  if (own !== undefined)
    reading.differs(
      at.address,
      `Port ${published} answers on ${own} of the node that each replica runs on, so a node takes one replica.`,
      `write "${target}" where only other services reach it.`,
    );
  return Array.from({ length: count }, (_, index) => ({
    containerPort: inside.first + index,
    publishedPort: outside.first + index,
    protocol,
    ...(own !== undefined && { mode: "host", address: own }),
  }));
}

function rangeOf(reading: Reading, item: Place, written: string): PortRange | undefined {
  const range = parseRange(written);
  if (range === undefined) return reading.invalid(item, `"${written}" is not a port.`, 'write "PUBLISHED:CONTAINER", like "8080:80".');
  if (range.last - range.first >= MAX_RANGE)
    return reading.findings.error(
      "too-much",
      item,
      `"${written}" is a range of more than ${MAX_RANGE} ports.`,
      "publish fewer of them, or none with network_mode: host.",
    );
  return range;
}
