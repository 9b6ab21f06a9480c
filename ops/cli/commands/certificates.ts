import type { CertificateView } from "../../../actors/certificate/contract.ts";
import { ageText } from "../../../runtime/age-text.ts";
import { emptyLists } from "../empty-lists.ts";
import { type Colour, plain } from "../output.ts";
import { askAll } from "../routes.ts";
import type { Action } from "../session.ts";
import type { Column } from "../table.ts";
import { show } from "./lists.ts";

const stateColours: Readonly<Record<CertificateView["state"], Colour>> = {
  valid: "green",
  pending: "yellow",
  expiring: "yellow",
  expired: "red",
  unreadable: "red",
};

const columns: readonly Column[] = [
  { title: "NAME", least: 8 },
  { title: "SERVES", least: 8 },
  { title: "SOURCE" },
  { title: "STATE" },
  { title: "ISSUER", least: 8 },
  { title: "ENDS", align: "right" },
  { title: "REASON", least: 12 },
];

export const certificates: Action = async (session) => {
  const items = await askAll<CertificateView>(session.api(), "certificates.list", {});
  const nowMs = session.api().nowMs();
  show(session, items, columns, emptyLists["certificates.list"], (item) => [
    item.name,
    item.serves.join(", "),
    item.source,
    { text: item.state, colour: stateColours[item.state] },
    item.issuer ?? "-",
    item.notAfterMs === undefined ? "-" : endsText(item.notAfterMs, nowMs),
    plain(item.reason),
  ]);
};

function endsText(atMs: number, nowMs: number): string {
  return atMs > nowMs ? `in ${ageText(atMs - nowMs)}` : `${ageText(nowMs - atMs)} ago`;
}
