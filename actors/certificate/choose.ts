import { covers, hostKindOf, isWildcard } from "./host-name.ts";
import type { CertificatesState, HostRecord, KeyedChain, Upload } from "./state.ts";

/** What answers for a host. */
export type Choice =
  | { readonly source: "uploaded"; readonly certificate: Upload }
  | { readonly source: "acme" | "self-signed"; readonly certificate: KeyedChain }
  | { readonly source: "self-signed"; readonly certificate: undefined };

/** An upload that is valid for the host before one of the authority, and that before our own. Of several uploads the one that lasts longest. */
export function choiceOf(state: CertificatesState, host: string): Choice {
  const upload = uploadFor(state, host);
  if (upload !== undefined) return { source: "uploaded", certificate: upload };
  const record = state.hosts[host];
  if (record?.acme !== undefined && record.alarm !== "expired") return { source: "acme", certificate: record.acme };
  return { source: "self-signed", certificate: record?.local };
}

export function uploadFor(state: CertificatesState, host: string): Upload | undefined {
  return Object.values(state.uploads)
    .filter(({ alarm, hosts }) => alarm !== "expired" && covers(hosts, host))
    .toSorted((one, other) => other.notAfterMs - one.notAfterMs || other.uploadedAtMs - one.uploadedAtMs)
    .at(0);
}

export function wantedHosts(state: CertificatesState): readonly HostRecord[] {
  return Object.values(state.hosts).filter(({ isWanted }) => isWanted);
}

/** Why the authority is not asked for a host; undefined when it is. One clause. */
export function whyNotAcme(state: CertificatesState, host: string): string | undefined {
  const { acme } = state;
  const kind = hostKindOf(host);
  if (uploadFor(state, host) !== undefined) return "an uploaded certificate serves it";
  if (kind === "machine") return "no authority certifies names of this machine, or addresses";
  if (kind === "local" && acme?.settings.localNames !== true)
    return acme === undefined
      ? "it is a local name, which no public authority certifies"
      : "it is a local name, which no public authority certifies; if yours does, say so with certificates configure --local-names";
  if (acme === undefined) return "no authority is configured; see certificates configure";
  if (isWildcard(host))
    return "an authority proves a wildcard over DNS alone (DNS-01), which is not offered here; upload a certificate for it";
  return undefined;
}
