import type { DeploymentSpecInput } from "../deployment/contract.ts";
import type { Place, YamlSource } from "./yaml-source.ts";

type PortInput = NonNullable<DeploymentSpecInput["ports"]>[number];

const SHORT = /^(?:(?<host>\[[^\]]*\]|[^:]*):)??(?:(?<published>[\d-]*):)?(?<target>[\d-]+)(?:\/(?<protocol>[a-z]+))?$/;

export function readPorts(source: YamlSource, place: Place): readonly PortInput[] {
  return source.items(place).flatMap((item) => {
    const port = source.isMap(item) ? longPort(source, item) : shortPort(source, item);
    return port === undefined ? [] : [port];
  });
}

/** `8080:80`, `80`, `5353:53/udp`. */
function shortPort(source: YamlSource, item: Place): PortInput | undefined {
  const written = source.text(item);
  if (written === undefined) return undefined;
  const parts = SHORT.exec(written)?.groups;
  if (parts === undefined) return source.error(item, `"${written}" is not a port.`, 'write "PUBLISHED:CONTAINER", like "8080:80".');
  if (parts["host"] !== undefined && parts["host"] !== "")
    return addressRefused(source, item, `${parts["published"] ?? ""}:${parts["target"] ?? ""}`);
  if (`${parts["published"] ?? ""}${parts["target"] ?? ""}`.includes("-")) return rangeRefused(source, item, written);
  return made(source, item, {
    target: Number(parts["target"]),
    published: parts["published"] ? Number(parts["published"]) : undefined,
    protocol: parts["protocol"] ?? "tcp",
  });
}

function longPort(source: YamlSource, item: Place): PortInput | undefined {
  const known = ["target", "published", "protocol", "mode", "name"];
  const fields = source.fields(item);
  for (const [name, place] of fields) {
    if (name === "host_ip") return addressRefused(source, place, "published without host_ip");
    if (name === "app_protocol")
      source.error(place, "The protocol of the application changes nothing without a proxy, which is not supported yet.", "leave it out.");
    else if (!known.includes(name)) source.unknown(place, name, known);
  }
  const mode = fields.get("mode");
  if (mode !== undefined && source.oneOf(mode, ["host", "ingress"]) === "ingress") {
    source.warn(
      mode,
      "Until there is an ingress, a published port is bound on the node of each replica, one replica per node, as with mode host.",
    );
  }
  const target = fields.get("target");
  if (target === undefined) return source.error(item, "A port needs its target: the port in the container.");
  const publishedAt = fields.get("published");
  const published = publishedAt === undefined ? "" : source.text(publishedAt);
  if (published?.includes("-") === true) return rangeRefused(source, item, published);
  if (published === undefined || !/^\d*$/.test(published))
    return published === undefined ? undefined : source.error(publishedAt ?? item, `"${published}" is not a port.`);
  const protocol = fields.get("protocol");
  const number = source.wholeNumber(target);
  if (number === undefined) return undefined;
  return made(source, item, {
    target: number,
    published: published === "" ? undefined : Number(published),
    protocol: protocol === undefined ? "tcp" : (source.text(protocol) ?? "tcp"),
  });
}

function made(
  source: YamlSource,
  item: Place,
  port: { readonly target: number; readonly published: number | undefined; readonly protocol: string },
): PortInput | undefined {
  const { target, published, protocol } = port;
  if (protocol !== "tcp" && protocol !== "udp")
    return source.error(item, `"${protocol}" is not a protocol that can be published.`, "write tcp or udp.");
  if (published === undefined)
    source.warn(
      item,
      `Port ${target} is not published: no port of the node is chosen at random.`,
      `write "${target}:${target}" to publish it.`,
    );
  return { containerPort: target, ...(published !== undefined && { publishedPort: published }), protocol };
}

function rangeRefused(source: YamlSource, item: Place, written: string): undefined {
  return source.error(item, `"${written}" is a range; each published port is reserved on its node by itself.`, "write one entry per port.");
}

function addressRefused(source: YamlSource, item: Place, instead: string): undefined {
  return source.error(
    item,
    "An address to bind to cannot be chosen: replicas move between nodes, and each binds on its node's own address.",
    `write ${instead}.`,
  );
}
