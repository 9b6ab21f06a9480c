import { fewOf, NAMED_IN_A_SENTENCE } from "../deployment/sentence.ts";
import { MAX_PLACEMENTS_PER_NODE } from "../node/assignment-contract.ts";
import { allowingWords, type Demand, demandWords, isAllowed, nothingAllowed } from "../node/allowance-contract.ts";
import { constraintWords, holds } from "./constraints.ts";
import type { PlacementRequest, Rejection, Requirements, SchedulerNode } from "./contract.ts";
import type { Room } from "./ledger.ts";

/** What is looked at, for one replica. */
export interface Wanted extends Requirements, Partial<Pick<PlacementRequest, "slot" | "node" | "beside">> {
  readonly deployment: string;
}

/** One reason to reject a node. Each explains itself, and says what would make it fit. */
export interface Filter {
  readonly name: Rejection["filter"];
  accepts(room: Room, wanted: Wanted): boolean;
  reason(rejected: readonly Room[], wanted: Wanted): string;
  remedy(rejected: readonly Room[], wanted: Wanted): string;
}

/** Filters that look at what a node is, and not at what is on it: those that decide whether a global deployment has a replica there. */
const OF_THE_NODE: ReadonlySet<Filter["name"]> = new Set(["platform", "constraints", "allowance"]);

/** In this order, as in swarmkit's pipeline: a node counts for the first filter that rejects it. */
export const filters: readonly Filter[] = [
  {
    name: "ready",
    accepts: ({ node }) => node.readiness === "ready",
    reason: (rejected) =>
      fewOf(rejected, ({ node }) => `${node.name} is ${node.readiness}${node.reason === "" ? "" : ` (${node.reason})`}`),
    remedy: (rejected) => readyRemedy(rejected.map(({ node }) => node)),
  },
  {
    name: "platform",
    accepts: ({ node }, { platforms }) => platforms.length === 0 || platforms.some(({ os, arch }) => os === node.os && arch === node.arch),
    reason: (rejected, { platforms }) =>
      `the image exists for ${platforms.map(({ os, arch }) => `${os}/${arch}`).join(", ")}; ${fewOf(rejected, ({ node }) => `${node.name} is ${node.os}/${node.arch}`)}`,
    remedy: (rejected) =>
      `Publish the image for ${[...new Set(rejected.map(({ node }) => `${node.os}/${node.arch}`))].join(" or ")}, or add a node of its platform.`,
  },
  {
    name: "constraints",
    accepts: ({ node }, { constraints }) => constraints.every((constraint) => holds(constraint, node)),
    reason: (rejected, { constraints }) => {
      const failing = constraints.filter((constraint) => rejected.some(({ node }) => !holds(constraint, node)));
      return `${fewOf(rejected, ({ node }) => node.name)} ${rejected.length === 1 ? "does" : "do"} not meet ${failing.map(constraintWords).join(" and ")}`;
    },
    remedy: (_rejected, { constraints }) =>
      `Label a node so that ${constraints.map(constraintWords).join(" and ")}, or relax the constraint.`,
  },
  {
    name: "volumes",
    accepts: (room, wanted) => elsewhere(room, wanted).length === 0,
    reason: (rejected, wanted) => {
      const places = new Set(rejected.flatMap((room) => elsewhere(room, wanted)));
      return `${[...places].join(", ")}, and a replica that uses it runs there`;
    },
    remedy: () => "Make that node ready for it, as the other filters say, or give the deployment another volume.",
  },
  {
    name: "together",
    accepts: ({ node, whereabouts }, { together = "" }) => (whereabouts.homes.get(together) ?? node.name) === node.name,
    reason: ([first], { together = "" }) => togetherWords(together, first?.whereabouts.homes.get(together) ?? ""),
    remedy: () => "Make room on that node, or drain it so that all of them move.",
  },
  {
    name: "allowance",
    accepts: (room, wanted) => refusedOn(room, wanted).length === 0,
    reason: (rejected, wanted) =>
      fewOf(rejected, (room) => `${room.node.name} does not allow ${refusedOn(room, wanted).map(demandWords).join(" and ")}`),
    remedy: (rejected, wanted) => {
      const [first] = rejected;
      const words = first === undefined ? [] : refusedOn(first, wanted).map(allowingWords);
      return `To allow it, ${words.join(" and ")} in the settings of that node's agent; only its owner can.`;
    },
  },
  {
    name: "resources",
    accepts: (room, wanted) => room.cpuFreeMillis >= wanted.cpuReservedMillis && room.memoryFreeBytes >= wanted.memoryReservedBytes,
    reason: (rejected, wanted) => fewOf(rejected, (room) => `${room.node.name} lacks ${shortage(room, wanted)}`),
    remedy: (rejected, wanted) => `Free ${leastShortage(rejected, wanted)}, lower the reservation, or add a node.`,
  },
  {
    name: "host-ports",
    accepts: ({ ports }, { hostPorts }) => hostPorts.every(({ port, protocol }) => !ports.has(`${port}/${protocol}`)),
    reason: (rejected, { hostPorts }) =>
      fewOf(
        rejected.flatMap(({ node, ports }) =>
          hostPorts.flatMap(({ port, protocol }) => {
            const holder = ports.get(`${port}/${protocol}`);
            return holder === undefined ? [] : [{ port: `${port}/${protocol}`, node: node.name, holder }];
          }),
        ),
        ({ port, node, holder }) => `port ${port} on ${node} is held by ${holder}`,
      ),
    remedy: () =>
      "A port in host mode is bound on the replica's node, one replica per node: publish it without mode=host, use fewer replicas, another port, or add a node.",
  },
  {
    name: "full",
    accepts: ({ replicas }) => replicas < MAX_PLACEMENTS_PER_NODE,
    reason: (rejected) =>
      `${fewOf(rejected, ({ node, replicas }) => `${node.name} has ${replicas}`)} replicas, and no node takes more than ${MAX_PLACEMENTS_PER_NODE}`,
    remedy: () => "Add a node.",
  },
  {
    name: "max-per-node",
    accepts: (room, wanted) => otherSlots(room, wanted) < (wanted.maxPerNode ?? Infinity),
    reason: (rejected, wanted) =>
      `${fewOf(rejected, (room) => `${room.node.name} has ${otherSlots(room, wanted)}`)} of ${wanted.deployment}'s replicas, and one node may have ${wanted.maxPerNode} at most`,
    remedy: (_rejected, { node }) =>
      node === undefined ? "Allow more replicas per node, use fewer replicas, or add a node." : "It goes there once they have stopped.",
  },
  {
    name: "predecessor",
    accepts: ({ slotsOf }, { deployment, slot = 0, beside = Infinity }) => (slotsOf.get(deployment)?.get(slot) ?? 0) <= beside,
    reason: (rejected) => `${fewOf(rejected, ({ node }) => node.name)} still has the replica whose place it takes, which is to stop first`,
    remedy: () => "It goes there once that one has stopped.",
  },
];

export const nodeFilters: readonly Filter[] = filters.filter(({ name }) => OF_THE_NODE.has(name));

/** How many slots of the deployment have a replica here. Its own is not one more: whoever takes its place is the same replica. */
function otherSlots({ slotsOf }: Room, { deployment, slot = 0 }: Wanted): number {
  const slots = slotsOf.get(deployment);
  return slots === undefined ? 0 : slots.size - (slots.has(slot) ? 1 : 0);
}

/** Where the data of its volumes is, in words, unless it is here. Each replica of a global deployment has data of its own. */
function elsewhere({ node, whereabouts }: Room, { volumes = [], node: own }: Wanted): readonly string[] {
  return volumes.flatMap((name) => {
    const place = whereabouts.volumes.get(name);
    if (place === undefined) return [];
    if (place.kind === "one-node") return place.node === node.name ? [] : [`the data of volume ${name} is on ${place.node}`];
    return own === undefined ? [`volume ${name} has data of its own on each of ${place.nodes.join(", ")}`] : [];
  });
}

export function togetherWords(group: string, home: string): string {
  return `replicas of ${group} run on one node, and they are on ${home}`;
}

function refusedOn({ node }: Room, { demands = [] }: Wanted): readonly Demand[] {
  return demands.filter((demand) => !isAllowed(demand, node.allows ?? nothingAllowed));
}

function readyRemedy(nodes: readonly SchedulerNode[]): string {
  const cordoned = nodes.filter(({ readiness }) => readiness === "cordoned" || readiness === "draining").map(({ name }) => name);
  if (cordoned.length > 0) return `Uncordon ${cordoned.slice(0, NAMED_IN_A_SENTENCE).join(" or ")}, or add a node.`;
  return nodes.length === 0 ? "Add a node." : "Bring a node back, or add one.";
}

const MEBIBYTE = 1_048_576;

function shortage(room: Room, wanted: Requirements): string {
  const parts: string[] = [];
  if (room.memoryFreeBytes < wanted.memoryReservedBytes)
    parts.push(`memory: ${mebibytes(wanted.memoryReservedBytes)} wanted, ${mebibytes(Math.max(0, room.memoryFreeBytes))} unreserved`);
  if (room.cpuFreeMillis < wanted.cpuReservedMillis)
    parts.push(`processor: ${wanted.cpuReservedMillis}m wanted, ${Math.max(0, room.cpuFreeMillis)}m unreserved`);
  return parts.join(" and ");
}

function leastShortage(rejected: readonly Room[], wanted: Requirements): string {
  const missing = (room: Room): readonly [number, number] => [
    Math.max(0, wanted.memoryReservedBytes - room.memoryFreeBytes),
    Math.max(0, wanted.cpuReservedMillis - room.cpuFreeMillis),
  ];
  const [best] = [...rejected].sort((a, b) => missing(a)[0] / MEBIBYTE + missing(a)[1] - missing(b)[0] / MEBIBYTE - missing(b)[1]);
  if (best === undefined) return "resources";
  const [memoryBytes, cpuMillis] = missing(best);
  const parts = [...(memoryBytes > 0 ? [mebibytes(memoryBytes)] : []), ...(cpuMillis > 0 ? [`${cpuMillis}m of processor`] : [])];
  return `${parts.join(" and ")} on ${best.node.name}`;
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / MEBIBYTE)} MiB`;
}
