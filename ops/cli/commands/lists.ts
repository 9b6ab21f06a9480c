import type { ContainerView, DeploymentView, NodeView } from "../../../actors/views.ts";
import type { StackView } from "../../../actors/stack/views.ts";
import { ageText } from "../../../runtime/age-text.ts";
import { emptyLists, emptyText } from "../empty-lists.ts";
import { bytes } from "../figures.ts";
import type { Colour } from "../output.ts";
import { bySlot, healthCell, phaseCell, whyOf } from "../replica-lines.ts";
import { ask, askAll } from "../routes.ts";
import { type Action, naming, type Session, text } from "../session.ts";
import { type Cell, type Column, table } from "../table.ts";

export const statusColours: Readonly<Record<DeploymentView["status"] | NodeView["status"] | StackView["status"], Colour>> = {
  deploying: "yellow",
  drifted: "yellow",
  running: "green",
  completed: "green",
  healthy: "green",
  scheduling: "yellow",
  starting: "yellow",
  "rolling-back": "yellow",
  stopping: "yellow",
  deleting: "yellow",
  degraded: "yellow",
  unknown: "yellow",
  failed: "red",
  unreachable: "red",
  stopped: "dim",
};

export const deployments: Action = async (session) => {
  const items = await askAll<DeploymentView>(session.api(), "deployments.list", {});
  const nowMs = session.api().nowMs();
  const columns: readonly Column[] = [
    { title: "NAME" },
    { title: "STACK" },
    { title: "STATUS" },
    { title: "HEALTHY", align: "right" },
    { title: "REVISION", align: "right" },
    { title: "IMAGE", least: 12 },
    { title: "RESTARTS", align: "right" },
    { title: "CHANGED", align: "right" },
    { title: "REASON", least: 12 },
  ];
  show(session, items, columns, emptyLists["deployments.list"], (item) => [
    item.name,
    item.stack === undefined ? "-" : item.drifted === true ? { text: `${item.stack} (drift)`, colour: "yellow" } : item.stack,
    { text: item.status, colour: statusColours[item.status] },
    healthyText(item),
    String(item.revision),
    item.image.reference,
    String(item.restarts),
    ageText(nowMs - item.changedAtMs),
    item.status === "running" && item.rollout.outcome !== "failed" && item.rollout.outcome !== "rolled-back" ? "" : item.reason,
  ]);
};

/** Nobody expects a replica that has completed to be healthy. */
export function healthyText({
  status,
  healthyReplicas,
  replicas,
}: Pick<DeploymentView, "status" | "healthyReplicas" | "replicas">): string {
  return status === "completed" ? "-" : `${healthyReplicas}/${replicas}`;
}

export const containers: Action = async (session, _args, options) => {
  const deployment = text(options, "deployment");
  const query = { deployment, node: text(options, "node"), phase: text(options, "phase") };
  if (deployment !== undefined)
    await naming(session, "deployments", deployment, () => ask(session.api(), "deployments.get", { name: deployment }));
  if (query.node !== undefined) await nodeIsKnown(session, query.node);
  const items = bySlot(await askAll<ContainerView>(session.api(), "containers.list", { query }));
  const nowMs = session.api().nowMs();
  const columns: readonly Column[] = [
    { title: "DEPLOYMENT" },
    { title: "SLOT", align: "right" },
    { title: "NODE", least: 8 },
    { title: "PHASE" },
    { title: "HEALTH" },
    { title: "REVISION", align: "right" },
    { title: "RESTARTS", align: "right" },
    { title: "AGE", align: "right" },
    { title: "SEEN", align: "right" },
    { title: "REASON", least: 12 },
  ];
  const isFiltered = Object.values(query).some((value) => value !== undefined);
  show(session, items, columns, emptyText("containers.list", isFiltered), (item) => [
    item.deployment,
    String(item.slot),
    item.node ?? "-",
    phaseCell(item),
    healthCell(item),
    String(item.revision),
    String(item.restarts),
    ageText(nowMs - item.sinceMs),
    item.observedAtMs === undefined ? "-" : ageText(nowMs - item.observedAtMs),
    whyOf(item, nowMs),
  ]);
};

async function nodeIsKnown(session: Session, name: string): Promise<void> {
  await naming(session, "nodes", name, () => ask(session.api(), "nodes.get", { name }));
}

export const nodes: Action = async (session) => {
  const items = await askAll<NodeView>(session.api(), "nodes.list", {});
  const nowMs = session.api().nowMs();
  const columns: readonly Column[] = [
    { title: "NAME" },
    { title: "STATUS" },
    { title: "AVAILABILITY" },
    { title: "CPU", align: "right" },
    { title: "MEMORY", align: "right" },
    { title: "DISK", align: "right" },
    { title: "REPLICAS", align: "right" },
    { title: "ENGINE" },
    { title: "HEARD", align: "right" },
    { title: "REASON", least: 12 },
  ];
  show(session, items, columns, emptyLists["nodes.list"], (item) => [
    item.name,
    { text: item.status, colour: statusColours[item.status] },
    item.availability === "active" ? item.availability : { text: item.availability, colour: "yellow" },
    item.sample === undefined
      ? `-/${item.cpuMillis / 1_000}`
      : `${(item.sample.cpuUsedMillis / 1_000).toFixed(1)}/${item.cpuMillis / 1_000}`,
    usedOf(item.sample?.memoryUsedBytes, item.memoryBytes),
    usedOf(item.sample?.diskUsedBytes, item.diskBytes),
    String(item.placements),
    item.engineVersion,
    item.lastHeardAtMs === undefined ? "never" : ageText(nowMs - item.lastHeardAtMs),
    item.status === "healthy" ? "" : item.reason,
  ]);
};

function usedOf(used: number | undefined, total: number): string {
  return `${used === undefined ? "-" : bytes(used)}/${bytes(total)}`;
}

export function show<Item>(
  session: Session,
  items: readonly Item[],
  columns: readonly Column[],
  empty: string,
  row: (item: Item) => readonly (Cell | string)[],
): void {
  const { out } = session;
  if (out.json) out.document({ items });
  else if (items.length === 0) out.note(empty);
  else for (const line of table(out, columns, items.map(row))) out.line(line);
}
