import type { ActorDefinition, DecideContext, Decision } from "../../runtime/actor.ts";
import { partsOf } from "../../runtime/address.ts";

/** Begins a tenant. Harmless when it exists. */
export interface FoundTenant {
  readonly kind: "found";
}

export type TenantCommand = FoundTenant | { readonly kind: "wake" };

export interface TenantState {
  readonly name: string;
  readonly existence: { readonly phase: "unknown" } | { readonly phase: "founded"; readonly atMs: number };
}

export interface TenantFounded {
  readonly type: "tenant.founded";
}

function decide(state: TenantState, command: TenantCommand, { address }: DecideContext): Decision<TenantFounded> {
  if (command.kind === "wake" || state.existence.phase === "founded") return { kind: "accept", events: [], messages: [], reply: null };
  const audit = { operation: "tenant.founded", after: { name: partsOf(address).tenant } };
  return { kind: "accept", events: [{ type: "tenant.founded" }], messages: [], reply: null, audit };
}

/** `acme`: the parent of all that is the tenant's. */
export const tenantActor: ActorDefinition<TenantState, TenantCommand, TenantFounded> = {
  decider: {
    kind: "tenant",
    initial: (address) => ({ name: partsOf(address).tenant, existence: { phase: "unknown" } }),
    decide,
    evolve: (state, _event, atMs) => ({ ...state, existence: { phase: "founded", atMs } }),
    wakeAtMs: () => undefined,
    wake: { kind: "wake" },
    project: (before, after) =>
      before === after ? [] : [{ change: "put", kind: "tenant", id: after.name, parent: "", body: { ...after } }],
    eventSchema: 1,
    upcast: () => ({ type: "tenant.founded" }),
    stateSchema: 1,
  },
  edge: () => ({ receive: (message) => ({ kind: "command", command: message as TenantCommand }) }),
};
