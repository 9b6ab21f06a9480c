import type { DecideContext, Decision, Outgoing } from "../../runtime/actor.ts";
import { addressOf, partsOf } from "../../runtime/address.ts";
import { claimId, claimsOf, isOver } from "./claims.ts";
import { CONFIRM_WITHIN_MS, NO_FRONTENDS, type IngressAnswer, type IngressCommand, type IngressSettings } from "./commands.ts";
import { answered } from "./hosts.ts";
import { look, reserve } from "./reserve.ts";
import type { IngressEvent, IngressState } from "./state.ts";

export function decide(state: IngressState, command: IngressCommand, context: DecideContext): Decision<IngressEvent> {
  switch (command.kind) {
    case "look":
      return { kind: "accept", events: [], messages: [], reply: look(state, command, context.nowMs) };
    case "reserve":
      return reserve(state, command, context.nowMs);
    case "keep":
      return keep(state, command);
    case "hosts-settled": {
      const { number, taken } = command;
      const isNews = number === state.hosts.number && JSON.stringify(answered(state.hosts, taken)) !== JSON.stringify(state.hosts);
      return accept(isNews ? [{ type: "hosts.settled", taken }] : []);
    }
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
    case "confirm": {
      const { deployment, rollout } = command;
      if (state.confirmations?.[deployment]?.rollout === rollout) return accept([]);
      return accept([{ type: "confirmation.asked", deployment, rollout, deadlineAtMs: context.nowMs + CONFIRM_WITHIN_MS }]);
    }
    case "conclude":
      return conclude(partsOf(context.address).tenant, state, command);
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
  const ends = claims.map(({ expiresAtMs = Infinity, keptBy }) => (keptBy === undefined ? expiresAtMs : Infinity));
  const next = Math.min(...ends.filter((atMs) => atMs > nowMs));
  return Number.isFinite(next) ? next : undefined;
}

function keep({ claims }: IngressState, { stack, wants }: Extract<IngressCommand, { kind: "keep" }>): Decision<IngressEvent> {
  const wanted = wants.flatMap(({ deployment, frontends }) => claimsOf(deployment, frontends, undefined));
  const present = new Set(claims.filter(({ keptBy }) => keptBy === stack).map(claimId));
  const isSame = wanted.length === present.size && wanted.every((claim) => present.has(claimId(claim)));
  return accept(isSame ? [] : [{ type: "claims.kept", stack, claims: wanted }]);
}

function accept(events: readonly IngressEvent[], messages: readonly Outgoing[] = []): Decision<IngressEvent> {
  return { kind: "accept", events, messages, reply: null };
}

function isKnown(
  { members }: IngressState,
  { placementId, node, targets }: { placementId: string; node: string; targets: unknown },
): boolean {
  const known = members[placementId];
  return known !== undefined && known.node === node && JSON.stringify(known.targets) === JSON.stringify(targets);
}

function conclude(tenant: string, state: IngressState, said: Extract<IngressCommand, { kind: "conclude" }>): Decision<IngressEvent> {
  const { confirmations = {} } = state;
  const ended = said.withdrawals.filter(({ placementId }) => placementId in state.withdrawals);
  const served = said.served.filter(({ deployment, rollout }) => confirmations[deployment]?.rollout === rollout);
  const groups = Map.groupBy(ended, ({ placementId }) => state.withdrawals[placementId]?.deployment ?? "");
  const messages = [...groups].map(([deployment, placements]) => ({
    to: addressOf(tenant, "deployment", deployment),
    message: { kind: "withdrawn", placements } satisfies IngressAnswer,
  }));
  const confirming = served.map(({ deployment, rollout, behind }) => ({
    to: addressOf(tenant, "deployment", deployment),
    message: { kind: "served", rollout, behind } satisfies IngressAnswer,
  }));
  return accept(
    [
      ...(ended.length === 0 ? [] : [{ type: "withdrawals.ended", withdrawals: ended } as const]),
      ...(served.length === 0 ? [] : [{ type: "confirmations.ended", served } as const]),
    ],
    [...messages, ...confirming],
  );
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
    audit: [{ operation: "ingress.update", before: settings, after }],
  };
}
