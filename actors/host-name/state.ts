import { holding, HostNameBook, isOver, type HostClaim } from "./claims.ts";
import type { TakenHosts } from "./commands.ts";

export interface HostNamesState {
  /** In the order they were made. */
  readonly claims: readonly HostClaim[];
  /** By tenant that holds or waits for names: how what it said last stands. Whatever differs here from the state before is told. */
  readonly standings: Readonly<Record<string, TakenHosts & { readonly number: number }>>;
}

export type HostNamesEvent =
  | { readonly type: "host-names.reserved"; readonly tenant: string; readonly hosts: readonly string[]; readonly expiresAtMs: number }
  | { readonly type: "host-names.held"; readonly tenant: string; readonly number: number; readonly hosts: readonly string[] }
  /** Reservations whose time had come are over, and whoever waited for a name that is free has it. */
  | { readonly type: "host-names.settled" };

export const noHostNames: HostNamesState = { claims: [], standings: {} };

export function evolve(state: HostNamesState, event: HostNamesEvent, atMs: number): HostNamesState {
  const claims = state.claims.filter((claim) => !isOver(claim, atMs));
  switch (event.type) {
    case "host-names.reserved": {
      const { tenant, expiresAtMs } = event;
      return { ...state, claims: [...claims, ...event.hosts.map((host) => ({ host, tenant, expiresAtMs }))] };
    }
    case "host-names.held":
      return held({ ...state, claims }, event);
    case "host-names.settled":
      return { claims, standings: { ...state.standings, ...improved({ ...state, claims }) } };
  }
}

function held(state: HostNamesState, { tenant, number, hosts }: Extract<HostNamesEvent, { type: "host-names.held" }>): HostNamesState {
  const claims = holding(state.claims, tenant, hosts);
  const { [tenant]: _before, ...others } = state.standings;
  if (hosts.length === 0) return { claims, standings: others };
  const book = new HostNameBook(claims);
  return { claims, standings: { ...others, [tenant]: { number, taken: hosts.filter((host) => book.isTaken(tenant, host)) } } };
}

/** The new standings of those that wait for a name which is free by now. What a tenant has is never taken from it, so nobody else's can be another. */
export function improved({ claims, standings }: HostNamesState): HostNamesState["standings"] {
  const waiting = Object.entries(standings).filter(([, { taken }]) => taken.length > 0);
  if (waiting.length === 0) return {};
  const book = new HostNameBook(claims);
  const found = waiting.flatMap(([tenant, standing]) => {
    const taken = standing.taken.filter((host) => book.isTaken(tenant, host));
    return taken.length === standing.taken.length ? [] : [[tenant, { ...standing, taken }] as const];
  });
  return Object.fromEntries(found);
}
