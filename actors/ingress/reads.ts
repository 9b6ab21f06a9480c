import { addressOf } from "../../runtime/address.ts";
import { allRows } from "../all-rows.ts";
import type { OperationContext } from "../catalogue.ts";
import { isHeard } from "../node/status.ts";
import { holds } from "../scheduler/constraints.ts";
import type { NodeView } from "../views.ts";
import type { IngressSoft, ObservedProxy } from "./edge.ts";
import { IngressRow, MemberRow, type NodeProxyView, type PoolState } from "./views.ts";

/** Members looked at in one answer. */
const MAX_MEMBERS_READ = 10_000;

/** The ingress as far as a reader needs it: what is decided, and what the nodes say of it. */
export interface IngressNow {
  readonly row: IngressRow;
  readonly soft: IngressSoft | undefined;
}

export async function readIngress({ reads, host, tenant }: OperationContext): Promise<IngressNow> {
  const { row } = await reads.row("ingress", "settings");
  return {
    row: row === undefined ? { number: 0, constraints: [], trustedProxies: [] } : IngressRow.parse(row.body),
    soft: host.soft(addressOf(tenant, "ingress")) as IngressSoft | undefined,
  };
}

/** By placement; of one deployment, or of all. */
export async function readMembers(
  { reads }: OperationContext,
  deployment?: string,
): Promise<ReadonlyMap<string, { readonly deployment: string; readonly row: MemberRow }>> {
  const parent = deployment === undefined ? {} : { parent: deployment };
  const { items } = await allRows(reads, { kind: "ingress-member", ...parent }, MAX_MEMBERS_READ, (item) => {
    return [item.id, { deployment: item.parent, row: MemberRow.parse(item.body) }] as const;
  });
  return new Map(items);
}

/** What a node does of what it should. A silent node does what it did last, which nobody knows. */
export function nodeProxy({ row, soft }: IngressNow, node: Omit<NodeView, "ingress">): NodeProxyView {
  const takesTraffic = row.constraints.every((constraint) => holds(constraint, node));
  const seen = soft?.nodes.get(node.name);
  const status = seen?.status;
  const trouble = takesTraffic ? troubleOf(row, soft?.epoch, node, seen) : undefined;
  return {
    takesTraffic,
    newest: row.number,
    failedPorts: status?.failedPorts ?? [],
    ...(status === undefined ? {} : { proxy: status.proxy, serving: status.serving.number }),
    ...(trouble === undefined ? {} : { trouble }),
    ...(seen?.heardAtMs === undefined ? {} : { heardAtMs: seen.heardAtMs }),
  };
}

function troubleOf(
  { number }: IngressRow,
  epoch: number | undefined,
  node: Omit<NodeView, "ingress">,
  seen: ObservedProxy | undefined,
): string | undefined {
  if (!isHeard(node.status)) return `${node.name} is ${node.status}`;
  const status = seen?.status;
  if (status === undefined) return `${node.name} has not said what its proxy does`;
  if (seen?.problem !== undefined) return seen.problem;
  if (status.proxy.state === "unavailable") return `${node.name} has no proxy: ${status.proxy.reason}`;
  // Where nothing is published that is as it should be; what is published says itself that it does not answer.
  if (status.proxy.state === "idle") return undefined;
  if (status.proxy.state !== "running") return `the proxy of ${node.name} is ${status.proxy.state}`;
  if (status.serving.epoch !== epoch || status.serving.number < number)
    return `the proxy of ${node.name} is at table ${status.serving.number} of ${number}`;
  return undefined;
}

/** How a replica stands to the pools. Connections are what nodes told of last. */
export function poolState(member: MemberRow, { soft }: IngressNow, placementId: string): PoolState {
  if (member.phase === "in-pool") return { phase: "in-pool", sinceMs: member.sinceMs };
  const [waitingFor, counts]: [string[], number[]] = [[], []];
  for (const [node, { status }] of soft?.nodes ?? []) {
    if (status === undefined || status.proxy.state !== "running") continue;
    counts.push(status.draining.find((each) => each.placementId === placementId)?.connections ?? 0);
    if (status.serving.epoch !== soft?.epoch || status.serving.number < member.number) waitingFor.push(node);
  }
  const { sinceMs, deadlineAtMs } = member;
  return { phase: "draining", sinceMs, deadlineAtMs, connections: counts.reduce((sum, count) => sum + count, 0), waitingFor };
}

/** `3 connections left`: what a replica that drains still waits for; empty when nobody knows of anything. */
export function drainingWords({ connections, waitingFor }: Extract<PoolState, { phase: "draining" }>): string {
  if (connections > 0) return `${connections} ${connections === 1 ? "connection" : "connections"} left`;
  if (waitingFor.length === 0) return "";
  return `waiting until ${waitingFor.join(", ")} ${waitingFor.length === 1 ? "sends" : "send"} it nothing new`;
}
