import type { Claim } from "./claims.ts";
import type { Frontends } from "./commands.ts";

/** Host names of this tenant's routes, as the installation's owner of host names knows them. */
export interface HostClaims {
  /** Grows with every change of what is asked for: an answer to an older question says nothing. */
  readonly number: number;
  /** In their order. */
  readonly asked: readonly string[];
  /** Of those: the tenant's own, and those that another tenant has. About the rest no answer has come yet. */
  readonly granted: readonly string[];
  readonly taken: readonly string[];
}

export type HostStanding = "granted" | "taken" | "asked";

export const NO_HOSTS: HostClaims = { number: 0, asked: [], granted: [], taken: [] };

/** Of routes, and of what is kept for members of stacks. */
export function hostsOf(frontends: readonly Frontends[], claims: readonly Claim[] = []): readonly string[] {
  const routed = frontends.flatMap(({ routes }) => routes.map(({ host }) => host));
  const kept = claims.flatMap((claim) => (claim.keptBy === undefined ? [] : (routeHost(claim.key) ?? [])));
  return [...new Set([...routed, ...kept])].toSorted();
}

/** Of a route's key, `//app.example.com/path`. */
function routeHost(key: string): string | undefined {
  return key.startsWith("//") ? key.slice(2).split("/", 1)[0] : undefined;
}

/** What was granted stays so while it is asked for without a break. */
export function askingFor(before: HostClaims, asked: readonly string[]): HostClaims {
  const isAsked = new Set(asked);
  const [granted, taken] = [before.granted, before.taken].map((hosts) => hosts.filter((host) => isAsked.has(host)));
  return { number: before.number + 1, asked, granted: granted ?? [], taken: taken ?? [] };
}

export function answered(before: HostClaims, taken: readonly string[]): HostClaims {
  const isTaken = new Set(taken);
  return { ...before, granted: before.asked.filter((host) => !isTaken.has(host)), taken };
}

export function standingOf({ granted, taken }: HostClaims, host: string): HostStanding {
  if (granted.includes(host)) return "granted";
  return taken.includes(host) ? "taken" : "asked";
}
