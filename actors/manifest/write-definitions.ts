import type { DeploymentSpec } from "../deployment/contract.ts";
import type { Mount } from "../deployment/mount-contract.ts";
import type { Network } from "../deployment/network-contract.ts";
import { keyOf, named, type Part, type Within, type Written } from "./write-part.ts";

/** Volumes under their whole name, so that a copy of the file still means the same data. */
export function writeMounts(mounts: NonNullable<DeploymentSpec["mounts"]>, { project }: Within): Part {
  const volumes = mounts.flatMap((mount) => {
    if (mount.kind !== "volume") return [];
    const { name, external, driverOptions, labels } = mount;
    const definition = { name, ...named("external", external), ...named("driver_opts", driverOptions), ...named("labels", labels) };
    return [[keyOf(name, project), definition] as const];
  });
  return { service: { volumes: mounts.map((mount) => writeMount(mount, project)) }, volumes: Object.fromEntries(volumes) };
}

function writeMount(mount: Mount, project: string): Written {
  const { target } = mount;
  switch (mount.kind) {
    case "anonymous":
      return { type: "volume", target };
    case "volume": {
      const options = { ...named("nocopy", mount.noCopy), ...named("subpath", mount.subpath) };
      const source = keyOf(mount.name, project);
      return { type: "volume", source, target, ...named("read_only", mount.readOnly), ...named("volume", options) };
    }
    case "bind": {
      const { source, readOnly, propagation, shallow, createSource = false } = mount;
      const options = {
        create_host_path: createSource,
        ...named("propagation", propagation),
        ...(shallow === true && { recursive: "disabled" }),
      };
      return { type: "bind", source, target, ...named("read_only", readOnly), bind: options };
    }
  }
}

/** Nothing where it is on the project's own network, which is where Compose puts whoever says nothing. Beside a network mode, Compose has no networks. */
export function writeNetworks(networks: readonly Network[], { project, service, isAlone, spec }: Within): Part | undefined {
  if (spec.namespaces?.network !== undefined) return undefined;
  const isUsual = JSON.stringify(networks) === JSON.stringify([{ name: `${project}_default`, aliases: [service] }]);
  if (isUsual && !isAlone) return { service: {} };
  const joined = networks.map(({ name, aliases = [], ipv4Address, ipv6Address }) => {
    const others = aliases.filter((alias) => alias !== service);
    const addresses = { ...named("ipv4_address", ipv4Address), ...named("ipv6_address", ipv6Address) };
    return [keyOf(name, project), { ...named("aliases", others), ...addresses }] as const;
  });
  const defined = networks.map(({ name, internal, external, driverOptions, labels, ipv6, subnets = [] }) => {
    const config = subnets.map(({ subnet, range, gateway, reserved }) => ({
      subnet,
      ...named("ip_range", range),
      ...named("gateway", gateway),
      ...named("aux_addresses", reserved),
    }));
    const settings = { ...named("internal", internal), ...named("driver_opts", driverOptions), ...named("labels", labels) };
    const addresses = { ...named("enable_ipv6", ipv6), ...named("ipam", named("config", config)) };
    return [keyOf(name, project), { name, ...named("external", external), ...settings, ...addresses }] as const;
  });
  return { service: { networks: Object.fromEntries(joined) }, networks: Object.fromEntries(defined) };
}

/** Contents are written nowhere: to Compose they are there already. Which content it is, and all of a folder, only our own words can say. */
export function writeFiles(files: NonNullable<DeploymentSpec["files"]>, { project }: Within): Part {
  const of = (kind: "config" | "secret"): typeof files => files.filter((file) => file.kind === kind);
  const grants = (kind: "config" | "secret"): readonly Written[] =>
    of(kind).map(({ name, target, uid, gid, mode }) => ({
      source: keyOf(name, project),
      target,
      ...named("uid", uid === undefined ? undefined : String(uid)),
      ...named("gid", gid === undefined ? undefined : String(gid)),
      ...named("mode", mode === undefined ? undefined : `0${mode.toString(8)}`),
    }));
  const defined = (kind: "config" | "secret"): Readonly<Record<string, Written>> =>
    Object.fromEntries(of(kind).map(({ name }) => [keyOf(name, project), { name, external: true }]));
  return {
    service: { ...named("configs", grants("config")), ...named("secrets", grants("secret")) },
    configs: defined("config"),
    secrets: defined("secret"),
    isPartly: true,
  };
}
