import type { Decision } from "../../runtime/actor.ts";
import type { Refusal } from "../../runtime/refusal.ts";
import { ClaimBook, claimId, claimsOf, isOver, type Claim } from "./claims.ts";
import { NO_FRONTENDS, type Frontends, type IngressCommand, type IngressLook, type Want } from "./commands.ts";
import { MAX_BALANCED_PORTS, MAX_ROUTES } from "./contract.ts";
import { hostsOf } from "./hosts.ts";
import { ingressRefusals as refusals } from "./refusals.ts";
import type { IngressEvent, IngressState } from "./state.ts";

/** How long a reservation waits for its deployment to say that it serves. Between the two lie two decisions; what a stack keeps waits longer. */
const RESERVATION_MS = 60_000;

interface Weighed {
  readonly deployment: string;
  readonly refusal: Refusal | undefined;
  readonly claims: readonly Claim[];
}

/** What would become of a reservation. */
export function look(state: IngressState, { wants, taken }: Extract<IngressCommand, { kind: "look" }>, nowMs: number): IngressLook {
  const refused = weigh(state, wants, taken, nowMs).flatMap(({ deployment, refusal }) =>
    refusal === undefined ? [] : [{ deployment, refusal }],
  );
  const granted = new Set(state.hosts.granted);
  return { refused, unknownHosts: hostsOf(wants.map(({ frontends }) => frontends)).filter((host) => !granted.has(host)) };
}

/** For all of them, or for none. */
export function reserve(
  state: IngressState,
  { wants, taken, operation }: Extract<IngressCommand, { kind: "reserve" }>,
  nowMs: number,
): Decision<IngressEvent> {
  const weighed = weigh(state, wants, taken, nowMs);
  const refusal = weighed.find((each) => each.refusal !== undefined)?.refusal;
  if (refusal !== undefined) return { kind: "refuse", refusal, audit: { operation } };
  const made = weighed.filter(({ claims }) => claims.length > 0);
  const claims = made.flatMap((each) => each.claims);
  if (claims.length === 0) return { kind: "accept", events: [], messages: [], reply: null };
  const after = made.map(({ deployment, claims }) => ({ deployment, claims: claims.map(({ key }) => key) }));
  const audit = [{ operation: "ingress.reserved", after }];
  return { kind: "accept", events: [{ type: "claims.reserved", claims }], messages: [], reply: null, audit };
}

/** Each beside what is claimed already, by those before it too. */
function weigh(state: IngressState, wants: readonly Want[], taken: readonly string[], nowMs: number): readonly Weighed[] {
  const claims = state.claims.filter((claim) => !isOver(claim, nowMs));
  const book = new ClaimBook(claims);
  const held = new Set(claims.map(claimId));
  const confirmed = new Set(claims.filter(({ expiresAtMs }) => expiresAtMs === undefined).map(claimId));
  const frontends = new Map(Object.entries(state.frontends));
  const sum = { ports: 0, routes: 0 };
  for (const each of frontends.values()) count(sum, each, 1);
  return wants.map((want): Weighed => {
    const { deployment } = want;
    count(sum, frontends.get(deployment) ?? NO_FRONTENDS, -1);
    count(sum, want.frontends, 1);
    frontends.set(deployment, want.frontends);
    const refusal = clash(book, want) ?? takenHosts(want, taken) ?? overflow(sum);
    const made = claimsOf(deployment, want.frontends, nowMs + RESERVATION_MS).filter((claim) => !confirmed.has(claimId(claim)));
    for (const claim of made) {
      if (held.has(claimId(claim))) continue;
      held.add(claimId(claim));
      book.add(claim);
    }
    return { deployment, refusal, claims: made };
  });
}

/** Running totals: one stack may want as much as all others have. */
interface Sum {
  ports: number;
  routes: number;
}

function count(sum: Sum, { ports, routes }: Frontends, sign: 1 | -1): void {
  sum.ports += sign * ports.length;
  sum.routes += sign * routes.length;
}

function clash(book: ClaimBook, { deployment, frontends }: Want): Refusal | undefined {
  for (const { key, use } of claimsOf(deployment, frontends, undefined)) {
    const claim = book.holder(deployment, key, use);
    if (claim === undefined) continue;
    const holder = claim.deployment;
    if (key.startsWith("//")) return refusals["ingress.route-taken"]({ route: key.slice(2), holder });
    if (use === "routes") return refusals["ingress.routes-blocked"]({ port: key, holder });
    return claim.use === "routes"
      ? refusals["ingress.port-routed"]({ port: key, holder })
      : refusals["ingress.port-taken"]({ port: key, holder });
  }
  return undefined;
}

function takenHosts({ frontends }: Want, taken: readonly string[]): Refusal | undefined {
  const hosts = hostsOf([frontends]).filter((host) => taken.includes(host));
  return hosts.length === 0 ? undefined : refusals["ingress.host-taken"]({ hosts });
}

function overflow({ ports, routes }: Sum): Refusal | undefined {
  return ports > MAX_BALANCED_PORTS || routes > MAX_ROUTES ? refusals["ingress.full"]({ ports, routes }) : undefined;
}
