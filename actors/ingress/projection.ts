import type { RowChange } from "../../runtime/journal.ts";
import { ClaimBook } from "./claims.ts";
import { portId, routeId, type FrontendRoute } from "./commands.ts";
import { standingOf } from "./hosts.ts";
import type { IngressState } from "./state.ts";
import type { IngressRow, MemberRow, PortRow, RouteRow } from "./views.ts";

interface Shown {
  readonly kind: "ingress-port" | "ingress-route" | "ingress-member";
  readonly id: string;
  readonly parent: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export function project(before: IngressState, after: IngressState): readonly RowChange[] {
  if (before === after) return [];
  const rows: RowChange[] = [];
  const settings: IngressRow = { number: after.number, ...after.settings, ...writable(after) };
  rows.push({ change: "put", kind: "ingress", id: "settings", parent: "", body: settings });
  if (before.claims !== after.claims || before.frontends !== after.frontends || before.hosts !== after.hosts)
    rows.push(...changes(frontendRows(before), frontendRows(after)));
  if (before.members !== after.members || before.withdrawals !== after.withdrawals)
    rows.push(...changes(memberRows(before), memberRows(after)));
  return rows;
}

/** The same lists, as the type of a row has them. */
function writable({ settings }: IngressState): Pick<IngressRow, "constraints" | "trustedProxies"> {
  return { constraints: [...settings.constraints], trustedProxies: [...settings.trustedProxies] };
}

function changes(before: readonly Shown[], after: readonly Shown[]): readonly RowChange[] {
  const old = new Map(before.map((row) => [row.id, JSON.stringify(row)]));
  const now = new Set(after.map(({ id }) => id));
  const gone = before.filter(({ id }) => !now.has(id)).map(({ kind, id }): RowChange => ({ change: "delete", kind, id }));
  const put = after.filter((row) => old.get(row.id) !== JSON.stringify(row)).map((row): RowChange => ({ change: "put", ...row }));
  return [...gone, ...put];
}

function frontendRows({ claims, frontends, hosts }: IngressState): readonly Shown[] {
  const book = new ClaimBook(claims);
  return Object.entries(frontends).flatMap(([deployment, { ports, routes }]): readonly Shown[] => [
    ...ports.map((port): Shown => {
      const pool = `${deployment}/${portId(port)}`;
      const body: PortRow = { pool, ...port, deployment, ...heldBy(book.holder(deployment, portId(port), "exclusive")) };
      return { kind: "ingress-port", id: pool, parent: deployment, body };
    }),
    ...routes.map((route): Shown => {
      const pool = `${deployment}/${routeId(route)}`;
      const holder = book.holder(deployment, routeId(route), "exclusive") ?? book.routesHolder(deployment);
      const body: RouteRow = {
        pool,
        ...route,
        options: shownOptions(route),
        deployment,
        hostName: standingOf(hosts, route.host),
        ...heldBy(holder),
      };
      return { kind: "ingress-route", id: pool, parent: deployment, body };
    }),
  ]);
}

function heldBy(claim: { readonly deployment: string } | undefined): { readonly heldBy?: string } {
  return claim === undefined ? {} : { heldBy: claim.deployment };
}

function shownOptions({ options }: FrontendRoute): RouteRow["options"] {
  const { basicAuth, ...shown } = options;
  return { ...shown, users: basicAuth.map((line) => line.slice(0, line.indexOf(":"))) };
}

function memberRows({ members, withdrawals }: IngressState): readonly Shown[] {
  const within = Object.values(members).map(({ placementId, deployment, sinceMs, targets }): Shown => {
    const body: MemberRow = { phase: "in-pool", sinceMs, pools: targets.map(({ frontend }) => `${deployment}/${frontend}`) };
    return { kind: "ingress-member", id: placementId, parent: deployment, body };
  });
  const leaving = Object.values(withdrawals).map(({ placementId, deployment, sinceMs, number, deadlineAtMs }): Shown => {
    const body: MemberRow = { phase: "draining", sinceMs, number, deadlineAtMs };
    return { kind: "ingress-member", id: placementId, parent: deployment, body };
  });
  return [...within, ...leaving];
}
