import { portId, routeId, type Frontends } from "./commands.ts";

/** What a deployment wants for itself: `8080/tcp` or `//app.example.com/path`. */
export interface Claim {
  readonly key: string;
  /** exclusive: no other deployment's. host, routes: shared with those who want it for the same. */
  readonly use: "exclusive" | "host" | "routes";
  readonly deployment: string;
  /** Wall clock; undefined: confirmed, and held until its deployment gives it up. */
  readonly expiresAtMs: number | undefined;
  /** The stack whose change is under way and wants it for one of its members: until that is over no time ends it. */
  readonly keptBy?: string;
}

export function isOver({ expiresAtMs, keptBy }: Claim, nowMs: number): boolean {
  return keptBy === undefined && expiresAtMs !== undefined && expiresAtMs <= nowMs;
}

/** Tells one claim of a deployment from its others. */
export function claimId({ deployment, use, key }: Claim): string {
  return `${deployment} ${use} ${key}`;
}

/** Claims with those that were reserved just now: one that is there already stays where it is in the order, and no less long. */
export function reserved(claims: readonly Claim[], made: readonly Claim[]): readonly Claim[] {
  const news = new Map(made.map((claim) => [claimId(claim), claim]));
  const renewed = claims.map((claim) => {
    const now = news.get(claimId(claim));
    if (now === undefined || !news.delete(claimId(claim)) || claim.expiresAtMs === undefined) return claim;
    return { ...claim, expiresAtMs: now.expiresAtMs };
  });
  return [...renewed, ...news.values()];
}

/** Claims after a stack said what it keeps for its members: what it kept and does not name is what it would be without it. */
export function kept(claims: readonly Claim[], stack: string, wanted: readonly Claim[], atMs: number): readonly Claim[] {
  const left = new Map(wanted.map((claim) => [claimId(claim), claim]));
  const known = claims.flatMap((claim): readonly Claim[] => {
    const expiresAtMs = claim.expiresAtMs === undefined ? undefined : atMs;
    if (left.delete(claimId(claim))) return [{ ...claim, expiresAtMs, keptBy: stack }];
    if (claim.keptBy !== stack) return [claim];
    const { keptBy: _stack, ...alone } = claim;
    return isOver(alone, atMs) ? [] : [alone];
  });
  return [...known, ...[...left.values()].map((claim) => ({ ...claim, expiresAtMs: atMs, keptBy: stack }))];
}

/** Where routes answer; whoever publishes one of these himself takes it from all routes. */
const ROUTE_PORTS = ["80/tcp", "443/tcp"] as const;

/** Of a deployment, each key once. */
export function claimsOf(deployment: string, { ports, hostPorts, routes }: Frontends, expiresAtMs: number | undefined): readonly Claim[] {
  const wanted = new Map<string, Claim["use"]>();
  for (const port of hostPorts) wanted.set(portId(port), "host");
  for (const port of ports) wanted.set(portId(port), "exclusive");
  for (const route of routes) wanted.set(routeId(route), "exclusive");
  if (routes.length > 0) for (const key of ROUTE_PORTS) if (!wanted.has(key)) wanted.set(key, "routes");
  return [...wanted].map(([key, use]) => ({ key, use, deployment, expiresAtMs }));
}

/** Claims in the order they were made: the earlier is in force. */
export class ClaimBook {
  readonly #byKey = new Map<string, Claim[]>();

  constructor(claims: readonly Claim[]) {
    for (const claim of claims) this.add(claim);
  }

  add(claim: Claim): void {
    const others = this.#byKey.get(claim.key);
    if (others === undefined) this.#byKey.set(claim.key, [claim]);
    else others.push(claim);
  }

  /** Who was earlier with a claim that excludes this one. Undefined: it is in force, or would be if it were made now. */
  holder(deployment: string, key: string, use: Claim["use"]): Claim | undefined {
    for (const claim of this.#byKey.get(key) ?? []) {
      const isOwn = claim.deployment === deployment;
      if (isOwn && claim.use === use) return undefined;
      if (!isOwn && (claim.use !== use || use === "exclusive")) return claim;
    }
    return undefined;
  }

  /** Who keeps a deployment's routes from answering on their ports. */
  routesHolder(deployment: string): Claim | undefined {
    return ROUTE_PORTS.map((key) => this.holder(deployment, key, "routes")).find((claim) => claim !== undefined);
  }
}

/** A deployment's claims after it said what it serves: what it keeps stays where it was in the order, what is only reserved stays for its time, and what its stack keeps for as long as it does. */
export function confirmed(claims: readonly Claim[], deployment: string, frontends: Frontends, atMs: number): readonly Claim[] {
  const wanted = new Map(claimsOf(deployment, frontends, undefined).map((claim) => [claim.key, claim]));
  const kept = claims.flatMap((claim) => {
    if (claim.deployment !== deployment) return [claim];
    const now = wanted.get(claim.key);
    if (now?.use !== claim.use) return claim.expiresAtMs === undefined && claim.keptBy === undefined ? [] : [givenBack(claim, atMs)];
    wanted.delete(claim.key);
    return [{ ...claim, expiresAtMs: undefined }];
  });
  return [...kept, ...wanted.values()];
}

function givenBack(claim: Claim, atMs: number): Claim {
  return claim.expiresAtMs === undefined ? { ...claim, expiresAtMs: atMs } : claim;
}
