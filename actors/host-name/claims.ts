/** What a tenant wants for itself alone. */
export interface HostClaim {
  readonly host: string;
  readonly tenant: string;
  /** Wall clock; undefined: a route has the name, and it is held until the last one is gone. */
  readonly expiresAtMs: number | undefined;
}

/** Claims in the order they were made: the earlier is in force. */
export class HostNameBook {
  readonly #byDomain: ReadonlyMap<string, readonly HostClaim[]>;

  constructor(claims: readonly HostClaim[]) {
    this.#byDomain = Map.groupBy(claims, ({ host }) => domainOf(host));
  }

  /** Another tenant was earlier with a name that one and the same request can ask for. Otherwise it is the tenant's, or would be if it were claimed now. */
  isTaken(tenant: string, host: string): boolean {
    for (const claim of this.#byDomain.get(domainOf(host)) ?? []) {
      if (claim.tenant === tenant && claim.host === host) return false;
      if (claim.tenant !== tenant && (claim.host === host || isWildcard(claim.host) || isWildcard(host))) return true;
    }
    return false;
  }
}

export function isOver({ expiresAtMs }: HostClaim, nowMs: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= nowMs;
}

/** A tenant's claims after it said what it holds: what it keeps stays where it was in the order, and what is only reserved stays for its time. */
export function holding(claims: readonly HostClaim[], tenant: string, hosts: readonly string[]): readonly HostClaim[] {
  const wanted = new Set(hosts);
  const kept = claims.flatMap((claim) => {
    if (claim.tenant !== tenant) return [claim];
    if (wanted.delete(claim.host)) return [{ ...claim, expiresAtMs: undefined }];
    return claim.expiresAtMs === undefined ? [] : [claim];
  });
  return [...kept, ...[...wanted].map((host) => ({ host, tenant, expiresAtMs: undefined }))];
}

/** A wildcard stands for one label (RFC 6125, 6.4.3), so only names of one domain can mean the same: `a.example.com` and `*.example.com`, never `example.com`. */
function domainOf(host: string): string {
  const dot = host.indexOf(".");
  return dot < 0 ? "" : host.slice(dot + 1);
}

function isWildcard(host: string): boolean {
  return host.startsWith("*.");
}
