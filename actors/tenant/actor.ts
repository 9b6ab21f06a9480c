import type { ActorDefinition, DecideContext, Decision } from "../../runtime/actor.ts";
import { partsOf, type Address } from "../../runtime/address.ts";

/** Begins a tenant. Harmless when it exists. */
export interface FoundTenant {
  readonly kind: "found";
}

/** Of an administrator: a child that is in quarantine is to go on. */
export interface ResumeActor {
  readonly kind: "resume-actor";
  readonly address: Address;
  /** What becomes of the message it failed on. */
  readonly poison: "retry" | "drop";
}

export type TenantCommand = FoundTenant | ResumeActor | { readonly kind: "wake" };

export interface TenantState {
  readonly name: string;
  readonly existence: { readonly phase: "unknown" } | { readonly phase: "founded"; readonly atMs: number };
}

export type TenantEvent =
  | { readonly type: "tenant.founded" }
  /** Quarantine is of a process alone: on replay there is nothing to do. */
  | { readonly type: "actor.resumed"; readonly address: Address; readonly poison: "retry" | "drop" };

/** What a tenant actor needs of the runtime. */
export interface TenantPorts {
  /** Harmless when the actor is not in quarantine here. */
  resume(address: Address, poison: "retry" | "drop"): void;
}

function decide(state: TenantState, command: TenantCommand, { address }: DecideContext): Decision<TenantEvent> {
  switch (command.kind) {
    case "found": {
      if (state.existence.phase === "founded") return nothing;
      const audit = [{ operation: "tenant.founded", after: { name: partsOf(address).tenant } }];
      return { kind: "accept", events: [{ type: "tenant.founded" }], messages: [], reply: null, audit };
    }
    case "resume-actor": {
      const resumed = { address: command.address, poison: command.poison };
      const audit = [{ operation: "actors.resume", after: resumed }];
      return { kind: "accept", events: [{ type: "actor.resumed", ...resumed }], messages: [], reply: resumed, audit };
    }
    case "wake":
      return nothing;
  }
}

const nothing: Decision<TenantEvent> = { kind: "accept", events: [], messages: [], reply: null };

function evolve(state: TenantState, event: TenantEvent, atMs: number): TenantState {
  switch (event.type) {
    case "tenant.founded":
      return { ...state, existence: { phase: "founded", atMs } };
    case "actor.resumed":
      return state;
  }
}

/** `acme`: the parent of all that is the tenant's. */
export function tenantActor(ports: TenantPorts): ActorDefinition<TenantState, TenantCommand, TenantEvent> {
  return {
    decider: {
      kind: "tenant",
      initial: (address) => ({ name: partsOf(address).tenant, existence: { phase: "unknown" } }),
      decide,
      evolve,
      wakeAtMs: () => undefined,
      wake: { kind: "wake" },
      project: (before, after) =>
        before === after ? [] : [{ change: "put", kind: "tenant", id: after.name, parent: "", body: { ...after } }],
      eventSchema: 1,
      upcast: (_type, _schema, data) => data as TenantEvent,
      stateSchema: 1,
    },
    edge: () => ({
      receive: (message) => ({ kind: "command", command: message as TenantCommand }),
      committed: (_state, events) => {
        for (const event of events) if (event.type === "actor.resumed") ports.resume(event.address, event.poison);
      },
    }),
  };
}
