import { ageText } from "../../runtime/age-text.ts";
import { z } from "zod";
import { addressOf, subjectOf } from "../../runtime/address.ts";
import { BusFailure } from "../../runtime/bus.ts";
import type { OperationContext } from "../catalogue.ts";
import { StatsAnswer, type AgentRequest } from "../node/contract.ts";
import { ContainerSample } from "../node/observed-contract.ts";
import { readNodes, type ObservedNode } from "../node/node-reads.ts";
import type { ContainerView } from "../views.ts";

/** An agent that takes longer is reported as not answering; its last known samples are given instead. */
const STATS_TIMEOUT_MS = 3_000;

export const ContainerStats = z.object({
  items: z.array(
    ContainerSample.extend({
      deployment: z.string(),
      slot: z.int(),
      node: z.string(),
      /** live: measured now. last-known: from the last heartbeat; see its time. */
      freshness: z.enum(["live", "last-known"]),
    }),
  ),
  /** Nodes that did not answer, and which containers are therefore stale or absent. */
  missing: z.array(z.object({ node: z.string(), containers: z.array(z.string()), reason: z.string() })),
});
export type ContainerStats = z.infer<typeof ContainerStats>;

/** Asks every node that has some of the containers, all at once. */
export async function readStats(context: OperationContext, containers: readonly ContainerView[]): Promise<ContainerStats> {
  const nodes = await readNodes(context);
  const running = containers.filter((container) => container.node !== undefined && container.phase === "running");
  const groups = [...Map.groupBy(running, ({ node = "" }) => node)];
  const answers = await Promise.all(groups.map(([node, group]) => statsOfNode(context, node, group, nodes.get(node))));
  return { items: answers.flatMap(({ items }) => items), missing: answers.flatMap(({ missing }) => missing) };
}

async function statsOfNode(
  context: OperationContext,
  node: string,
  group: readonly ContainerView[],
  observed: ObservedNode | undefined,
): Promise<ContainerStats> {
  const byId = new Map(group.map((container) => [container.id, container]));
  const tell = (samples: Iterable<ContainerSample>, freshness: "live" | "last-known") =>
    [...samples].flatMap((sample) => {
      const container = byId.get(sample.placementId);
      return container === undefined ? [] : [{ ...sample, deployment: container.deployment, slot: container.slot, node, freshness }];
    });
  const request: AgentRequest = { kind: "stats", placementIds: [...byId.keys()] };
  try {
    const subject = subjectOf(addressOf(context.tenant, "agent", node));
    const answer = StatsAnswer.safeParse(
      await context.bus.request(subject, request, { timeoutMs: STATS_TIMEOUT_MS, signal: context.signal }),
    );
    if (answer.success) return { items: tell(answer.data.samples, "live"), missing: [] };
    return { items: [], missing: [{ node, containers: [...byId.keys()], reason: `node ${node} refused to measure` }] };
  } catch (error) {
    if (!(error instanceof BusFailure)) throw error;
    const heardAtMs = observed?.soft?.lastHeardAtMs;
    const age = heardAtMs === undefined ? "" : `; heard of ${ageText(context.clock.nowMs() - heardAtMs)} ago`;
    const reason = `node ${node} does not answer (${error.reason})${age}`;
    return {
      items: tell(observed?.soft?.containers.values() ?? [], "last-known"),
      missing: [{ node, containers: [...byId.keys()], reason }],
    };
  }
}
