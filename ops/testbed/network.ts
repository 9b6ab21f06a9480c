import { existsSync } from "node:fs";
import {
  MAX_NODES,
  machineAddress,
  machineLink,
  nobodysMac,
  nodeAddress,
  nodeMac,
  nodeNamespace,
  switchNamespace,
  switchPort,
} from "./addresses.ts";
import type { BedRecord } from "./bed-record.ts";
import { attempt, run } from "./command.ts";

/** One end of a cut: a node by its number, or the machine that runs the registry and the control plane. */
export type Endpoint = number | "machine";

/** Port states of a bridge that runs no spanning tree: a disabled port is silent both ways and keeps its carrier. */
const PORT_DISABLED = "0";
const PORT_FORWARDING = "3";

const namespaceExists = (name: string): boolean => existsSync(`/run/netns/${name}`);
const ip = (...args: readonly string[]): Promise<string> => run("ip", args);

/**
 * The switch: a bridge in a namespace of its own, because the machine's firewall would see (and often drop) frames
 * bridged in its own namespace. The machine has one cable to it.
 */
export async function raiseSwitch(bed: BedRecord): Promise<void> {
  const name = switchNamespace(bed);
  if (namespaceExists(name)) return;
  const link = machineLink(bed);
  await ip("netns", "add", name);
  await ip("-n", name, "link", "set", "lo", "up");
  await ip("-n", name, "link", "add", "br0", "type", "bridge", "forward_delay", "0");
  await ip("-n", name, "link", "set", "br0", "up");
  await ip("link", "add", link, "type", "veth", "peer", "name", "uplink", "netns", name);
  await ip("-n", name, "link", "set", "uplink", "master", "br0", "up");
  await ip("address", "add", `${machineAddress(bed)}/24`, "dev", link);
  await ip("link", "set", link, "up");
}

/** A node's network namespace, with its cable plugged into the switch. */
export async function plugIn(bed: BedRecord, node: number): Promise<void> {
  const name = nodeNamespace(bed, node);
  const port = switchPort(node);
  await ip("netns", "add", name);
  await ip("-n", switchNamespace(bed), "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name);
  await ip("-n", switchNamespace(bed), "link", "set", port, "master", "br0", "up");
  await ip("-n", name, "link", "set", "lo", "up");
  await ip("-n", name, "link", "set", "eth0", "address", nodeMac(bed, node));
  await ip("-n", name, "address", "add", `${nodeAddress(bed, node)}/24`, "dev", "eth0");
  await ip("-n", name, "link", "set", "eth0", "up");
  await ip("-n", name, "route", "add", "default", "via", machineAddress(bed));
}

/** Pulls the cable first, so that a dying node's last resets are never heard. */
export async function unplug(bed: BedRecord, node: number): Promise<void> {
  await attempt("ip", ["-n", switchNamespace(bed), "link", "delete", switchPort(node)]);
}

export async function removeNodeNamespace(bed: BedRecord, node: number): Promise<void> {
  if (namespaceExists(nodeNamespace(bed, node))) await ip("netns", "delete", nodeNamespace(bed, node));
}

export async function partition(bed: BedRecord, node: number): Promise<void> {
  await setPort(bed, node, PORT_DISABLED);
}

export async function heal(bed: BedRecord, node: number): Promise<void> {
  await setPort(bed, node, PORT_FORWARDING);
}

const setPort = (bed: BedRecord, node: number, state: string): Promise<string> =>
  run("bridge", ["-n", switchNamespace(bed), "link", "set", "dev", switchPort(node), "state", state]);

/** One direction of one pair falls silent: the sender is given a hardware address that nobody has. Needs no firewall module. */
export async function cut(bed: BedRecord, from: Endpoint, to: Endpoint): Promise<void> {
  const entry = [addressOf(bed, to), "lladdr", nobodysMac(bed), "dev", deviceOf(bed, from), "nud", "permanent"];
  await ip(...inNamespaceOf(bed, from), "neighbour", "replace", ...entry);
}

export async function uncut(bed: BedRecord, from: Endpoint, to: Endpoint): Promise<void> {
  await ip(...inNamespaceOf(bed, from), "neighbour", "delete", addressOf(bed, to), "dev", deviceOf(bed, from));
}

const addressOf = (bed: BedRecord, end: Endpoint): string => (end === "machine" ? machineAddress(bed) : nodeAddress(bed, end));
const deviceOf = (bed: BedRecord, end: Endpoint): string => (end === "machine" ? machineLink(bed) : "eth0");
const inNamespaceOf = (bed: BedRecord, end: Endpoint): readonly string[] => (end === "machine" ? [] : ["-n", nodeNamespace(bed, end)]);

/** Everything of this testbed that `ip` can show, whatever number of nodes it had. */
export async function removeNetwork(bed: BedRecord): Promise<void> {
  for (let node = 1; node <= MAX_NODES; node++) await removeNodeNamespace(bed, node);
  if (namespaceExists(switchNamespace(bed))) await ip("netns", "delete", switchNamespace(bed));
  await attempt("ip", ["link", "delete", machineLink(bed)]); // its peer's namespace may have taken it away already
}
