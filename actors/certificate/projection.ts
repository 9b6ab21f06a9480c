import { z } from "zod";
import type { RowChange } from "../../runtime/journal.ts";
import { choiceOf, uploadFor, wantedHosts, whyNotAcme } from "./choose.ts";
import { CertificateFacts, CertificateSettingsView } from "./contract.ts";
import type { CertificatesState, HostRecord, KeyedChain } from "./state.ts";

/** Row kind `certificate`, id = name: what is decided. State, age and sentences are joined when it is read. */
export const CertificateRow = z.object({
  name: z.string(),
  /** Absent while there is none. */
  facts: CertificateFacts.optional(),
  serves: z.array(z.string()),
  source: z.enum(["uploaded", "acme", "self-signed"]),
  renewAtMs: z.number().optional(),
  /** Why no authority is asked for the host. */
  whyNotAcme: z.string().optional(),
  order: z.object({ step: z.string(), startedAtMs: z.number(), deadlineAtMs: z.number() }).optional(),
  lastFailure: z.object({ atMs: z.number(), message: z.string() }).optional(),
  nextAttemptAtMs: z.number().optional(),
});
export type CertificateRow = z.infer<typeof CertificateRow>;

/** The one row of kind `certificate-settings`. */
export const SETTINGS_ROW = "settings";
export const CertificateSettingsRow = CertificateSettingsView.extend({
  /** PEM of our own authority, which a user may trust. */
  localAuthority: z.string().optional(),
});
export type CertificateSettingsRow = z.infer<typeof CertificateSettingsRow>;

export function project(before: CertificatesState, after: CertificatesState): readonly RowChange[] {
  if (before === after) return [];
  return [...settingsRows(before, after), ...hostRows(before, after), ...uploadRows(before, after)];
}

function settingsRows(before: CertificatesState, after: CertificatesState): readonly RowChange[] {
  if (before.acme === after.acme && before.authority === after.authority) return [];
  const settings = after.acme?.settings;
  const body: CertificateSettingsRow = {
    acme: after.acme === undefined ? "off" : "on",
    hasTrustedRoots: settings?.trustedRoots !== undefined,
    localNames: settings?.localNames ?? false,
    ...(settings === undefined ? {} : { directoryUrl: settings.directoryUrl }),
    ...(settings?.email === undefined ? {} : { email: settings.email }),
    ...(after.acme === undefined ? {} : { agreedAtMs: after.acme.agreedAtMs, agreedBy: after.acme.agreedBy }),
    ...(after.authority === undefined ? {} : { localAuthority: after.authority.certificate }),
  };
  return [{ change: "put", kind: "certificate-settings", id: SETTINGS_ROW, parent: "", body }];
}

/** A host that an upload serves has no row of its own: it stands in the upload's. */
function hostRows(before: CertificatesState, after: CertificatesState): readonly RowChange[] {
  const isSame = before.uploads === after.uploads && before.acme === after.acme;
  const hosts = new Set([...Object.keys(before.hosts), ...Object.keys(after.hosts)]);
  return [...hosts].flatMap((host): readonly RowChange[] => {
    const record = after.hosts[host];
    if (isSame && before.hosts[host] === record) return [];
    if (record?.isWanted === true && uploadFor(after, host) === undefined)
      return [{ change: "put", kind: "certificate", id: host, parent: "", body: hostRow(after, record) }];
    return before.hosts[host]?.isWanted === true ? [{ change: "delete", kind: "certificate", id: host }] : [];
  });
}

function hostRow(state: CertificatesState, record: HostRecord): CertificateRow {
  const { host, order, trouble } = record;
  const { source, certificate } = choiceOf(state, host);
  const reason = whyNotAcme(state, host);
  const renewAtMs = source === "acme" ? record.acme?.renewAtMs : record.local?.renewAtMs;
  return {
    name: host,
    serves: [host],
    source,
    ...(certificate === undefined ? {} : { facts: factsOf(certificate) }),
    ...(renewAtMs === undefined ? {} : { renewAtMs }),
    ...(reason === undefined ? {} : { whyNotAcme: reason }),
    ...(order === undefined ? {} : { order: { step: order.at.step, startedAtMs: order.startedAtMs, deadlineAtMs: order.deadlineAtMs } }),
    ...(trouble === undefined ? {} : { lastFailure: { atMs: trouble.atMs, message: trouble.message } }),
    ...(trouble === undefined || order !== undefined ? {} : { nextAttemptAtMs: trouble.nextAttemptAtMs }),
  };
}

function uploadRows(before: CertificatesState, after: CertificatesState): readonly RowChange[] {
  if (before.uploads === after.uploads && before.hosts === after.hosts) return [];
  const gone = Object.keys(before.uploads)
    .filter((name) => !(name in after.uploads))
    .map((id): RowChange => ({ change: "delete", kind: "certificate", id }));
  const left = Object.values(after.uploads).flatMap((upload): readonly RowChange[] => {
    const serves = servedBy(after, upload.name);
    if (before.uploads[upload.name] === upload && JSON.stringify(servedBy(before, upload.name)) === JSON.stringify(serves)) return [];
    const body: CertificateRow = { name: upload.name, facts: factsOf(upload), serves, source: "uploaded" };
    return [{ change: "put", kind: "certificate", id: upload.name, parent: "", body }];
  });
  return [...gone, ...left];
}

function servedBy(state: CertificatesState, name: string): string[] {
  return wantedHosts(state)
    .filter(({ host }) => uploadFor(state, host)?.name === name)
    .map(({ host }) => host);
}

function factsOf({ hosts, issuer, notBeforeMs, notAfterMs, fingerprint }: KeyedChain): CertificateFacts {
  return { hosts, issuer, notBeforeMs, notAfterMs, fingerprint };
}
