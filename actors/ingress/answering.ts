import { webPortsOf } from "./commands.ts";
import type { OperationContext } from "../catalogue.ts";
import { readServing } from "../certificate/certificate-reads.ts";
import type { CertificateView } from "../certificate/contract.ts";
import { readMembers } from "./reads.ts";
import { PortRow, RouteRow, type NodeProxyView, type PortView, type RouteView } from "./views.ts";

/** Nodes named one by one in a sentence; of more, their number is told. */
const NAMED_NODES = 5;

/** Nodes by name, with what their proxies do. */
export type Proxies = ReadonlyMap<string, NodeProxyView>;

interface Answering {
  readonly answersOn: string[];
  readonly pending: { node: string; reason: string }[];
}

/** How a port's traffic is shared out, in words. */
export const SPEAKS = {
  http: "over HTTP (by request)",
  grpc: "over gRPC (by request)",
  tcp: "over TCP (by connection)",
  udp: "over UDP (by source)",
} as const;

export function portView(row: PortRow, members: number, proxies: Proxies): PortView {
  const blocked = held(row);
  const where = answering(proxies, blocked, [row.port], row.protocol);
  return {
    ...row,
    ...where,
    members,
    ...told(`port ${row.port}${row.protocol === "udp" ? "/udp" : ""}`, where, members, SPEAKS[row.speaks], blocked),
  };
}

export function routeView(row: RouteRow, members: number, proxies: Proxies, serving: ReadonlyMap<string, CertificateView>): RouteView {
  const blocked = held(row) ?? HOST_NAME_BLOCKS[row.hostName];
  const where = answering(proxies, blocked, webPortsOf(row.tls), "tcp");
  const words = row.tls === "on" ? "over HTTPS" : "over HTTP";
  const { status, reason } = told(`${row.host}${row.path === "/" ? "" : row.path}`, where, members, words, blocked);
  const certificate = row.tls === "on" ? serving.get(row.host) : undefined;
  if (certificate === undefined) return { ...row, ...where, members, status, reason };
  const { name, source, state, notAfterMs, reason: why } = certificate;
  return {
    ...row,
    ...where,
    members,
    status,
    reason: why === "" ? reason : `${reason}; ${why.slice(0, 1).toLowerCase()}${why.slice(1).replace(/\.$/, "")}`,
    certificate: { name, source, state, reason: why, ...(notAfterMs === undefined ? {} : { notAfterMs }) },
  };
}

/** Why a route answers nowhere because of its host name. */
const HOST_NAME_BLOCKS = {
  granted: undefined,
  taken: "answers nowhere: its host name is taken",
  asked: "answers nowhere yet: whether its host name is free is being asked",
} as const;

function held({ heldBy }: { readonly heldBy?: string | undefined }): string | undefined {
  return heldBy === undefined ? undefined : `is held by deployment ${heldBy}`;
}

function answering(proxies: Proxies, blocked: string | undefined, ports: readonly number[], protocol: "tcp" | "udp"): Answering {
  const [answersOn, pending]: [string[], { node: string; reason: string }[]] = [[], []];
  if (blocked !== undefined) return { answersOn, pending };
  for (const [node, { takesTraffic, trouble, failedPorts, proxy }] of proxies) {
    if (!takesTraffic) continue;
    const idleness = proxy?.state === "idle" ? `the proxy of ${node} has not begun` : undefined;
    const failed = failedPorts.find((each) => ports.includes(each.port) && each.protocol === protocol);
    const reason = trouble ?? idleness ?? (failed === undefined ? undefined : `port ${failed.port} on ${node}: ${failed.reason}`);
    if (reason === undefined) answersOn.push(node);
    else pending.push({ node, reason });
  }
  return { answersOn, pending };
}

function told(
  subject: string,
  { answersOn, pending }: Answering,
  members: number,
  speaks: string,
  blocked: string | undefined,
): Pick<PortView, "status" | "reason"> {
  if (blocked !== undefined) return { status: "pending", reason: `${subject} ${blocked}` };
  if (answersOn.length === 0) {
    const why =
      pending.length === 0
        ? "no node takes traffic"
        : few(
            pending.map(({ reason }) => reason),
            "; ",
          );
    return { status: "pending", reason: `${subject} answers nowhere: ${why}` };
  }
  const nobody = members === 0 ? "; no healthy replica takes it" : "";
  const rest =
    pending.length === 0
      ? ""
      : `; not on all: ${few(
          pending.map(({ reason }) => reason),
          "; ",
        )}`;
  return {
    status: pending.length === 0 ? "answers" : "partly",
    reason: `${subject} answers on ${few(answersOn, ", ")} ${speaks}${nobody}${rest}`,
  };
}

function few(words: readonly string[], separator: string): string {
  const more = words.length - NAMED_NODES;
  return `${words.slice(0, NAMED_NODES).join(separator)}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Where a deployment's ports and routes answer, each in one sentence. */
export async function reachOf(context: OperationContext, deployment: string, proxies: Proxies): Promise<readonly string[]> {
  const [ports, routes, counts, serving] = await Promise.all([
    context.reads.rows({ kind: "ingress-port", parent: deployment, limit: MAX_FRONTENDS }),
    context.reads.rows({ kind: "ingress-route", parent: deployment, limit: MAX_FRONTENDS }),
    membersByPool(context, deployment),
    readServing(context),
  ]);
  return [
    ...ports.items.map(({ id, body }) => portView(PortRow.parse(body), counts.get(id) ?? 0, proxies).reason),
    ...routes.items.map(({ id, body }) => routeView(RouteRow.parse(body), counts.get(id) ?? 0, proxies, serving).reason),
  ];
}

/** Ports and routes of one deployment; it has at most so many. */
const MAX_FRONTENDS = 200;

export async function membersByPool(context: OperationContext, deployment?: string): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { row } of (await readMembers(context, deployment)).values())
    if (row.phase === "in-pool") for (const pool of row.pools) counts.set(pool, (counts.get(pool) ?? 0) + 1);
  return counts;
}
