import type { BedRecord } from "./bed-record.ts";

/** A node's container networks are /25s cut out of its own /21: 16 networks of 126 containers. */
const POOL_FIRST_OCTET = 64;
const POOL_OCTETS_PER_NODE = 8;
/** Bounded by the pools: 64 + 24 x 8 = 256. */
export const MAX_NODES = 24;

/** The one place that knows how a testbed's 10.x.0.0/16 is divided; nothing overlaps, so that container networks can be routed. */
export const lan = (bed: BedRecord): string => `10.${bed.range}.0.0/24`;
export const machineAddress = (bed: BedRecord): string => `10.${bed.range}.0.254`;
export const nodeAddress = (bed: BedRecord, node: number): string => `10.${bed.range}.0.${10 + node}`;
export const bridgeAddress = (bed: BedRecord, node: number): string => `10.${bed.range}.${node}.1/24`;
export const networkPool = (bed: BedRecord, node: number): string =>
  `base=10.${bed.range}.${POOL_FIRST_OCTET + POOL_OCTETS_PER_NODE * (node - 1)}.0/21,size=25`;

/** Fixed, or the others would send to a rebooted node's old address for 20 s. */
export const nodeMac = (bed: BedRecord, node: number): string => mac(bed, node);
/** Nobody has this one: what is sent to it falls silent at the switch. */
export const nobodysMac = (bed: BedRecord): string => mac(bed, 255);

const mac = (bed: BedRecord, last: number): string => `02:0d:00:00:${hex(bed.range)}:${hex(last)}`;
const hex = (value: number): string => value.toString(16).padStart(2, "0");

export const switchNamespace = (bed: BedRecord): string => `odt-${bed.token}-sw`;
export const nodeNamespace = (bed: BedRecord, node: number): string => `odt-${bed.token}-n${node}`;
/** The machine's own end of the cable; at most 15 bytes, the kernel's limit. */
export const machineLink = (bed: BedRecord): string => `odt${bed.token}`;
export const switchPort = (node: number): string => `port${node}`;

export const nodeCgroup = (bed: BedRecord, node: number): string => `${bed.token}/n${node}`;
export const registryCgroup = (bed: BedRecord): string => `${bed.token}/registry`;
