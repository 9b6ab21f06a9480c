import { addressOf } from "../../runtime/address.ts";
import type { OperationContext } from "../catalogue.ts";
import { MAX_UPLOADS, MAX_WANTED_HOSTS, type CertificateView } from "./contract.ts";
import type { CertificatesSoft } from "./edge.ts";
import { CertificateRow } from "./projection.ts";
import { alarmAtMs } from "./timing.ts";

/** Every certificate, and every host that waits for one, by name. */
export async function readCertificates(context: OperationContext): Promise<readonly CertificateView[]> {
  const { items } = await context.reads.rows({ kind: "certificate", limit: MAX_WANTED_HOSTS + MAX_UPLOADS });
  return items.map((row) => certificateView(context, row.body));
}

/** By its name, or by a host that it serves. */
export async function readCertificate(context: OperationContext, name: string): Promise<CertificateView | undefined> {
  const { row } = await context.reads.row("certificate", name);
  if (row !== undefined) return certificateView(context, row.body);
  return (await readCertificates(context)).find(({ serves }) => serves.includes(name));
}

/** By host of a route: what answers for it. */
export async function readServing(context: OperationContext): Promise<ReadonlyMap<string, CertificateView>> {
  const all = await readCertificates(context);
  return new Map(all.flatMap((view) => view.serves.map((host): [string, CertificateView] => [host, view])));
}

export function certificateView(context: OperationContext, body: unknown): CertificateView {
  const row = CertificateRow.parse(body);
  const soft = context.host.soft(addressOf(context.tenant, "certificates")) as CertificatesSoft | undefined;
  const unreadable = soft?.unreadable.get(row.name);
  const state = unreadable === undefined ? stateOf(row, context.clock.nowMs()) : "unreadable";
  const { facts, whyNotAcme: _, ...shown } = row;
  return {
    ...shown,
    ...(facts === undefined ? {} : factsOf(facts)),
    hosts: facts?.hosts ?? [row.name],
    state,
    reason: reasonOf(row, state, unreadable, soft?.underWay.get(row.name)),
  };
}

function factsOf({ issuer, notBeforeMs, notAfterMs, fingerprint }: NonNullable<CertificateRow["facts"]>): Partial<CertificateView> {
  return { issuer, notBeforeMs, notAfterMs, fingerprint };
}

function stateOf({ facts }: CertificateRow, nowMs: number): CertificateView["state"] {
  if (facts === undefined) return "pending";
  if (nowMs >= facts.notAfterMs) return "expired";
  return nowMs >= alarmAtMs(facts) ? "expiring" : "valid";
}

function reasonOf(
  row: CertificateRow,
  state: CertificateView["state"],
  unreadable: string | undefined,
  underWay: string | undefined,
): string {
  if (unreadable !== undefined) return `Its private key cannot be opened, so it is not served: ${unreadable}.`;
  switch (row.source) {
    case "uploaded":
      return state === "valid" ? "" : "Uploaded certificates are not renewed here: upload the next one.";
    case "acme":
      return row.order === undefined && row.lastFailure === undefined ? "" : `Being renewed: ${progress(row, underWay)}.`;
    case "self-signed":
      return row.whyNotAcme === undefined
        ? `Self-signed until ACME delivers: ${progress(row, underWay)}.`
        : `Self-signed, since ${row.whyNotAcme}.${row.facts === undefined && underWay !== undefined ? ` Not made yet: ${underWay}.` : ""}`;
  }
}

function progress({ order, lastFailure, nextAttemptAtMs }: CertificateRow, underWay: string | undefined): string {
  const now = order === undefined ? undefined : (underWay ?? "the order begins");
  const before = lastFailure === undefined ? undefined : `${order === undefined ? "" : "before that, "}${lastFailure.message}`;
  const next = order !== undefined || nextAttemptAtMs === undefined ? undefined : `next attempt ${new Date(nextAttemptAtMs).toISOString()}`;
  return [now, before, next].filter((part) => part !== undefined).join("; ") || "the order begins soon";
}
