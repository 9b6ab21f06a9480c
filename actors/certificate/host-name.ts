/** Names that no public authority certifies: reserved for local use (RFC 2606, RFC 6762, RFC 8375), or by ICANN (internal). */
const LOCAL_DOMAINS = ["localhost", "local", "test", "internal", "invalid", "example", "home.arpa"];
const ADDRESS_LIKE = /^\d{1,3}(\.\d{1,3}){3}$/;

/** public: any authority may be asked. local: only a private one. machine: none, since the name means this machine or is an address. */
export type HostKind = "public" | "local" | "machine";

export function hostKindOf(host: string): HostKind {
  if (isBelow(host, "localhost") || ADDRESS_LIKE.test(host)) return "machine";
  return !host.includes(".") || LOCAL_DOMAINS.some((domain) => isBelow(host, domain)) ? "local" : "public";
}

export function isWildcard(host: string): boolean {
  return host.startsWith("*.");
}

/** Whether a certificate for these names is valid for the host: the same name, or a wildcard in place of its first label (RFC 6125, 6.4.3). */
export function covers(names: readonly string[], host: string): boolean {
  const dot = host.indexOf(".");
  const wildcard = dot < 0 ? undefined : `*${host.slice(dot)}`;
  return names.some((name) => name.toLowerCase() === host || name.toLowerCase() === wildcard);
}

function isBelow(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}
