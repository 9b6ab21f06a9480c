import type { DecideContext, Decision, Outgoing } from "../../runtime/actor.ts";
import { addressOf, partsOf } from "../../runtime/address.ts";
import type { Refusal } from "../../runtime/refusal.ts";
import { ClaimBook, claimsOf, type Claim } from "./claims.ts";
import { NO_FRONTENDS, type Frontends, type IngressAnswer, type IngressCommand, type IngressSettings, type Withdrawn } from "./commands.ts";
import { MAX_BALANCED_PORTS, MAX_ROUTES } from "./contract.ts";
import { ingressRefusals as refusals } from "./refusals.ts";
import type { IngressEvent, IngressState } from "./state.ts";

/** How long a reservation waits for its deployment to say that it serves. Between the two lie two decisions. */
const RESERVATION_MS = 60_000;

export function decide(state: IngressState, command: IngressCommand, context: DecideContext): Decision<IngressEvent> {
  switch (command.kind) {
    case "reserve":
      return reserve(state, command, context.nowMs);
    case "serve": {
      const { deployment, frontends } = command;
      const isSame = JSON.stringify(state.frontends[deployment] ?? NO_FRONTENDS) === JSON.stringify(frontends);
      return accept(isSame ? [] : [{ type: "frontends.changed", deployment, frontends }]);
    }
    case "enter": {
      const members = command.members
        .filter(({ placementId }) => !(placementId in state.withdrawals))
        .map((member) => ({ ...member, deployment: command.deployment }))
        .filter((member) => !isKnown(state, member));
      return accept(members.length === 0 ? [] : [{ type: "members.entered", members }]);
    }
    case "leave": {
      const placementIds = command.placementIds.filter((placementId) => placementId in state.members);
      return accept(placementIds.length === 0 ? [] : [{ type: "members.left", placementIds }]);
    }
    case "withdraw": {
      const { deployment } = command;
      const placements = command.placements
        .filter(({ placementId }) => !(placementId in state.withdrawals))
        .map(({ placementId, drainMs }) => ({ placementId, deadlineAtMs: context.nowMs + drainMs }));
      return accept(placements.length === 0 ? [] : [{ type: "members.withdrawn", deployment, placements }]);
    }
    case "conclude":
      return conclude(partsOf(context.address).tenant, state, command.withdrawals);
    case "node-changed": {
      const isSame = JSON.stringify(state.nodes[command.node.name]) === JSON.stringify(command.node);
      return accept(isSame ? [] : [{ type: "node.changed", node: command.node }]);
    }
    case "node-removed":
      return accept(command.name in state.nodes ? [{ type: "node.removed", name: command.name }] : []);
    case "update":
      return update(state, command);
    case "renumber":
      return accept([{ type: "tables.renumbered" }]);
    case "wake": {
      const keys = state.claims.filter((claim) => isOver(claim, context.nowMs)).map(({ deployment, key }) => ({ deployment, key }));
      return accept(keys.length === 0 ? [] : [{ type: "claims.expired", keys }]);
    }
  }
}

/** When the next reservation is over. */
export function nextExpiryMs({ claims }: IngressState, nowMs: number): number | undefined {
  const next = Math.min(...claims.map(({ expiresAtMs }) => expiresAtMs ?? Infinity).filter((atMs) => atMs > nowMs));
  return Number.isFinite(next) ? next : undefined;
}

function accept(events: readonly IngressEvent[], messages: readonly Outgoing[] = []): Decision<IngressEvent> {
  return { kind: "accept", events, messages, reply: null };
}

function isOver({ expiresAtMs }: Claim, nowMs: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= nowMs;
}

function isKnown(
  { members }: IngressState,
  { placementId, node, targets }: { placementId: string; node: string; targets: unknown },
): boolean {
  const known = members[placementId];
  return known !== undefined && known.node === node && JSON.stringify(known.targets) === JSON.stringify(targets);
}

function reserve(
  state: IngressState,
  { deployment, operation, frontends }: Extract<IngressCommand, { kind: "reserve" }>,
  nowMs: number,
): Decision<IngressEvent> {
  const claims = state.claims.filter((claim) => !isOver(claim, nowMs));
  const refusal = clash(claims, deployment, frontends) ?? overflow(state, deployment, frontends);
  if (refusal !== undefined) return { kind: "refuse", refusal, audit: { operation } };
  const held = new Set(claims.flatMap((claim) => (claim.deployment === deployment ? [`${claim.use} ${claim.key}`] : [])));
  const made = claimsOf(deployment, frontends, nowMs + RESERVATION_MS).filter(({ key, use }) => !held.has(`${use} ${key}`));
  if (made.length === 0) return accept([]);
  const audit = { operation: "ingress.reserved", after: { deployment, claims: made.map(({ key }) => key) } };
  return { kind: "accept", events: [{ type: "claims.reserved", claims: made }], messages: [], reply: null, audit };
}

function clash(claims: readonly Claim[], deployment: string, frontends: Frontends): Refusal | undefined {
  const book = new ClaimBook(claims);
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

function overflow({ frontends }: IngressState, deployment: string, wanted: Frontends): Refusal | undefined {
  const all = Object.values({ ...frontends, [deployment]: wanted });
  const ports = all.reduce((sum, each) => sum + each.ports.length, 0);
  const routes = all.reduce((sum, each) => sum + each.routes.length, 0);
  return ports > MAX_BALANCED_PORTS || routes > MAX_ROUTES ? refusals["ingress.full"]({ ports, routes }) : undefined;
}

function conclude(tenant: string, state: IngressState, withdrawals: readonly Withdrawn[]): Decision<IngressEvent> {
  const ended = withdrawals.filter(({ placementId }) => placementId in state.withdrawals);
  if (ended.length === 0) return accept([]);
  const groups = Map.groupBy(ended, ({ placementId }) => state.withdrawals[placementId]?.deployment ?? "");
  const messages = [...groups].map(([deployment, placements]) => ({
    to: addressOf(tenant, "deployment", deployment),
    message: { kind: "withdrawn", placements } satisfies IngressAnswer,
  }));
  return accept([{ type: "withdrawals.ended", withdrawals: ended }], messages);
}

function update(
  { settings }: IngressState,
  { constraints, trustedProxies }: Extract<IngressCommand, { kind: "update" }>,
): Decision<IngressEvent> {
  const after: IngressSettings = {
    constraints: constraints ?? settings.constraints,
    trustedProxies: trustedProxies ?? settings.trustedProxies,
  };
  const isSame = JSON.stringify(after) === JSON.stringify(settings);
  return {
    kind: "accept",
    events: isSame ? [] : [{ type: "settings.changed", settings: after }],
    messages: [],
    reply: { ...after, change: isSame ? "unchanged" : "changed" },
    audit: { operation: "ingress.update", before: settings, after },
  };
}
