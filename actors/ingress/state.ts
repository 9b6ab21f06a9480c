import { confirmed, isOver, kept, reserved, type Claim } from "./claims.ts";
import { answered, askingFor, NO_HOSTS, type HostClaims } from "./hosts.ts";
import {
  NO_FRONTENDS,
  type ConnectionsLeft,
  type Frontends,
  type IngressNode,
  type IngressSettings,
  type PoolTarget,
  type Served,
} from "./commands.ts";

/** A healthy replica that takes traffic. */
export interface Member {
  readonly placementId: string;
  readonly deployment: string;
  readonly node: string;
  readonly targets: readonly PoolTarget[];
  readonly sinceMs: number;
}

/** A replica that is out of all tables from `number` on, and that its deployment wants to stop. */
export interface Withdrawal {
  readonly placementId: string;
  readonly deployment: string;
  readonly number: number;
  readonly sinceMs: number;
  /** Wall clock. Until then requests under way may end. */
  readonly deadlineAtMs: number;
}

/** A deployment waits to hear that all it has told is served: the tables from `number` on hold it. */
export interface Confirmation {
  readonly deployment: string;
  readonly rollout: number;
  readonly number: number;
  /** Wall clock. */
  readonly deadlineAtMs: number;
}

export interface IngressState {
  readonly settings: IngressSettings;
  readonly nodes: Readonly<Record<string, IngressNode>>;
  /** In the order they were made. */
  readonly claims: readonly Claim[];
  /** Routes are in force under granted names alone. */
  readonly hosts: HostClaims;
  /** By deployment. */
  readonly frontends: Readonly<Record<string, Frontends>>;
  readonly members: Readonly<Record<string, Member>>;
  readonly withdrawals: Readonly<Record<string, Withdrawal>>;
  /** By deployment. Absent: none was ever asked for. */
  readonly confirmations?: Readonly<Record<string, Confirmation>>;
  /** Of the newest tables: what nodes are told is a function of the state, and every state that tells something else has a greater number. */
  readonly number: number;
}

export type IngressEvent =
  | { readonly type: "claims.reserved"; readonly claims: readonly Claim[] }
  /** What a stack keeps for its members from now on; nothing: its change is over. */
  | { readonly type: "claims.kept"; readonly stack: string; readonly claims: readonly Claim[] }
  | { readonly type: "claims.expired"; readonly keys: readonly { readonly deployment: string; readonly key: string }[] }
  | { readonly type: "hosts.asked"; readonly hosts: readonly string[] }
  | { readonly type: "hosts.settled"; readonly taken: readonly string[] }
  | { readonly type: "frontends.changed"; readonly deployment: string; readonly frontends: Frontends }
  | { readonly type: "members.entered"; readonly members: readonly Omit<Member, "sinceMs">[] }
  | { readonly type: "members.left"; readonly placementIds: readonly string[] }
  | {
      readonly type: "members.withdrawn";
      readonly deployment: string;
      readonly placements: readonly { readonly placementId: string; readonly deadlineAtMs: number }[];
    }
  | {
      readonly type: "withdrawals.ended";
      readonly withdrawals: readonly { readonly placementId: string; readonly left: readonly ConnectionsLeft[] }[];
    }
  | { readonly type: "confirmation.asked"; readonly deployment: string; readonly rollout: number; readonly deadlineAtMs: number }
  | { readonly type: "confirmations.ended"; readonly served: readonly Served[] }
  | { readonly type: "node.changed"; readonly node: IngressNode }
  | { readonly type: "node.removed"; readonly name: string }
  | { readonly type: "settings.changed"; readonly settings: IngressSettings }
  | { readonly type: "tables.renumbered" };

export const noIngress: IngressState = {
  settings: { constraints: [], trustedProxies: [] },
  nodes: {},
  claims: [],
  hosts: NO_HOSTS,
  frontends: {},
  members: {},
  withdrawals: {},
  number: 0,
};

export function evolve(state: IngressState, event: IngressEvent, atMs: number): IngressState {
  switch (event.type) {
    case "claims.reserved":
      return { ...state, claims: reserved(state.claims, event.claims) };
    case "claims.kept":
      return numbered({ ...state, claims: kept(state.claims, event.stack, event.claims, atMs) });
    case "claims.expired": {
      const over = new Set(event.keys.map(({ deployment, key }) => `${deployment} ${key}`));
      const claims = state.claims.filter((claim) => !isOver(claim, atMs) || !over.has(`${claim.deployment} ${claim.key}`));
      return numbered({ ...state, claims });
    }
    case "hosts.asked":
      return { ...state, hosts: askingFor(state.hosts, event.hosts) };
    case "hosts.settled":
      return numbered({ ...state, hosts: answered(state.hosts, event.taken) });
    case "frontends.changed":
      return numbered(withFrontends(state, event.deployment, event.frontends, atMs));
    case "members.entered": {
      const members = { ...state.members };
      for (const member of event.members)
        members[member.placementId] = { ...member, sinceMs: members[member.placementId]?.sinceMs ?? atMs };
      return numbered({ ...state, members });
    }
    case "members.left":
      return numbered({ ...state, members: without(state.members, event.placementIds) });
    case "members.withdrawn":
      return withdrawn(state, event, atMs);
    case "withdrawals.ended":
      return {
        ...state,
        withdrawals: without(
          state.withdrawals,
          event.withdrawals.map(({ placementId }) => placementId),
        ),
      };
    case "confirmation.asked": {
      const { deployment, rollout, deadlineAtMs } = event;
      return {
        ...state,
        confirmations: { ...state.confirmations, [deployment]: { deployment, rollout, number: state.number, deadlineAtMs } },
      };
    }
    case "confirmations.ended":
      return {
        ...state,
        confirmations: without(
          state.confirmations ?? {},
          event.served.map(({ deployment }) => deployment),
        ),
      };
    case "node.changed":
      return numbered({ ...state, nodes: { ...state.nodes, [event.node.name]: event.node } });
    case "node.removed":
      return numbered({ ...state, nodes: without(state.nodes, [event.name]) });
    case "settings.changed":
      return numbered({ ...state, settings: event.settings });
    case "tables.renumbered":
      return numbered(state);
  }
}

function numbered(state: IngressState): IngressState {
  return { ...state, number: state.number + 1 };
}

function withFrontends(state: IngressState, deployment: string, frontends: Frontends, atMs: number): IngressState {
  const claims = confirmed(state.claims, deployment, frontends, atMs);
  const isGone = JSON.stringify(frontends) === JSON.stringify(NO_FRONTENDS);
  return {
    ...state,
    claims,
    frontends: isGone ? without(state.frontends, [deployment]) : { ...state.frontends, [deployment]: frontends },
  };
}

/** Whoever was in no pool is told of by no newer table: the present one is the one to wait for. */
function withdrawn(state: IngressState, event: Extract<IngressEvent, { type: "members.withdrawn" }>, atMs: number): IngressState {
  const placementIds = event.placements.map(({ placementId }) => placementId);
  const wasIn = placementIds.some((placementId) => placementId in state.members);
  const next = wasIn ? numbered({ ...state, members: without(state.members, placementIds) }) : state;
  const withdrawals = { ...state.withdrawals };
  for (const { placementId, deadlineAtMs } of event.placements)
    withdrawals[placementId] = { placementId, deployment: event.deployment, number: next.number, sinceMs: atMs, deadlineAtMs };
  return { ...next, withdrawals };
}

function without<Value>(record: Readonly<Record<string, Value>>, keys: readonly string[]): Readonly<Record<string, Value>> {
  const result = { ...record };
  for (const key of keys) delete result[key];
  return result;
}
