import type { NodeProxyView, PortView, RouteView } from "../../../actors/ingress/views.ts";
import { ageText } from "../../../runtime/age-text.ts";
import type { Colour } from "../output.ts";
import { emptyLists } from "../empty-lists.ts";
import { ask, askAll } from "../routes.ts";
import { type Action, type Options, text, texts } from "../session.ts";
import type { Cell, Column } from "../table.ts";
import { constraint } from "../template-flags.ts";
import { show } from "./lists.ts";

const colours: Readonly<Record<PortView["status"], Colour>> = { answers: "green", partly: "yellow", pending: "red" };

export const ports: Action = async (session, _args, options) => {
  const items = await askAll<PortView>(session.api(), "ingress.ports", { query: { deployment: text(options, "deployment") } });
  const columns: readonly Column[] = [
    { title: "PORT" },
    { title: "SPEAKS" },
    { title: "DEPLOYMENT" },
    { title: "REPLICAS", align: "right" },
    { title: "STATUS" },
    { title: "WHERE", least: 12 },
  ];
  show(session, items, columns, emptyLists["ingress.ports"], (item) => [
    `${item.port}/${item.protocol}`,
    item.speaks,
    item.deployment,
    String(item.members),
    statusCell(item),
    item.reason,
  ]);
};

export const routes: Action = async (session, _args, options) => {
  const items = await askAll<RouteView>(session.api(), "ingress.routes", { query: { deployment: text(options, "deployment") } });
  const columns: readonly Column[] = [
    { title: "ROUTE" },
    { title: "CERTIFICATE" },
    { title: "DEPLOYMENT" },
    { title: "REPLICAS", align: "right" },
    { title: "STATUS" },
    { title: "WHERE", least: 12 },
  ];
  show(session, items, columns, emptyLists["ingress.routes"], (item) => [
    `${item.host}${item.path}`,
    item.tls === "off" ? "off" : (item.certificate?.source ?? "pending"),
    item.deployment,
    String(item.members),
    statusCell(item),
    item.reason,
  ]);
};

export const ingress: Action = async (session, _args, options) => {
  const changes = changesOf(options);
  if (changes !== undefined) {
    const { change } = await ask<{ readonly change: string }>(session.api(), "ingress.update", { body: changes });
    if (!session.out.json) session.out.note(`ingress: ${change}`);
  }
  const { nodes } = await ask<{ readonly nodes: readonly (NodeProxyView & { readonly name: string })[] }>(session.api(), "ingress.get", {});
  const nowMs = session.api().nowMs();
  const columns: readonly Column[] = [
    { title: "NODE" },
    { title: "TRAFFIC" },
    { title: "PROXY" },
    { title: "TABLE", align: "right" },
    { title: "HEARD", align: "right" },
    { title: "TROUBLE", least: 12 },
  ];
  show(session, nodes, columns, emptyLists["nodes.list"], (item) => [
    item.name,
    item.takesTraffic ? "yes" : "no",
    item.proxy?.state ?? "-",
    `${item.serving ?? "-"}/${item.newest}`,
    item.heardAtMs === undefined ? "never" : ageText(nowMs - item.heardAtMs),
    item.trouble ?? item.failedPorts.map(({ port, reason }) => `${port}: ${reason}`).join("; "),
  ]);
};

/** Undefined: nothing is to change. A word stands for the empty list, because a flag cannot be given no times. */
function changesOf(options: Options): Readonly<Record<string, unknown>> | undefined {
  const [rules, trusted] = [texts(options, "only"), texts(options, "trust")];
  if (rules === undefined && trusted === undefined) return undefined;
  return {
    ...(rules !== undefined && { constraints: rules.filter((rule) => rule !== "all").map(constraint) }),
    ...(trusted !== undefined && { trustedProxies: trusted.filter((address) => address !== "none") }),
  };
}

function statusCell({ status }: Pick<PortView, "status">): Cell {
  return { text: status, colour: colours[status] };
}
