import type { DecideContext, Decision, Outgoing } from "../../runtime/actor.ts";
import { addressOf } from "../../runtime/address.ts";
import { HostNameBook, isOver } from "./claims.ts";
import type { HostNamesCommand, HostsSettled, TakenHosts } from "./commands.ts";
import { hostNameRefusals as refusals, MAX_HOSTS_PER_TENANT } from "./refusals.ts";
import { evolve, improved, type HostNamesEvent, type HostNamesState } from "./state.ts";

/** How long a reserved name waits for the route it was reserved for. Between the two lie three decisions. */
const RESERVATION_MS = 60_000;
/** Whoever waits for a name hears so much later that it is free. Also the pause between two attempts while the disk refuses. */
const SETTLING_DELAY_MS = 1_000;

export function decide(state: HostNamesState, command: HostNamesCommand, { nowMs }: DecideContext): Decision<HostNamesEvent> {
  switch (command.kind) {
    case "look":
      return answer({ taken: takenOf(state, command, nowMs) });
    case "reserve":
      return reserve(state, command, nowMs);
    case "hold": {
      const { tenant, number, hosts } = command;
      return telling(state, { type: "host-names.held", tenant, number, hosts }, nowMs);
    }
    case "wake":
      return isSettled(state, nowMs) ? answer(null) : telling(state, { type: "host-names.settled" }, nowMs);
  }
}

/**
 * When the next reservation is over, or soon when somebody waits for a name that is free. They hear of it in a turn of its own, which has nothing to do
 * with whoever gave it back: messages carry the mark of the request that caused them.
 */
export function nextSettlingMs(state: HostNamesState, nowMs: number): number | undefined {
  if (Object.keys(improved(state)).length > 0) return nowMs + SETTLING_DELAY_MS;
  const next = Math.min(...state.claims.map(({ expiresAtMs }) => expiresAtMs ?? Infinity).filter((atMs) => atMs > nowMs));
  return Number.isFinite(next) ? next : undefined;
}

function isSettled(state: HostNamesState, nowMs: number): boolean {
  return !state.claims.some((claim) => isOver(claim, nowMs)) && Object.keys(improved(state)).length === 0;
}

function answer(reply: TakenHosts | null): Decision<HostNamesEvent> {
  return { kind: "accept", events: [], messages: [], reply };
}

function takenOf({ claims }: HostNamesState, { tenant, hosts }: { tenant: string; hosts: readonly string[] }, nowMs: number): string[] {
  const book = new HostNameBook(claims.filter((claim) => !isOver(claim, nowMs)));
  return hosts.filter((host) => book.isTaken(tenant, host));
}

function reserve(state: HostNamesState, command: Extract<HostNamesCommand, { kind: "reserve" }>, nowMs: number): Decision<HostNamesEvent> {
  const { tenant } = command;
  const taken = takenOf(state, command, nowMs);
  if (taken.length > 0) return answer({ taken });
  const own = new Set(state.claims.flatMap((claim) => (claim.tenant === tenant && !isOver(claim, nowMs) ? [claim.host] : [])));
  const hosts = command.hosts.filter((host) => !own.has(host));
  if (hosts.length === 0) return answer({ taken });
  const count = own.size + hosts.length;
  if (count > MAX_HOSTS_PER_TENANT) return { kind: "refuse", refusal: refusals["ingress.too-many-hosts"]({ count }) };
  const audit = [{ operation: "host-names.reserved", after: { tenant, hosts } }];
  const event = { type: "host-names.reserved", tenant, hosts, expiresAtMs: nowMs + RESERVATION_MS } as const;
  return { kind: "accept", events: [event], messages: [], reply: { taken } satisfies TakenHosts, audit };
}

/** Everybody whose standing is another now hears of it. */
function telling(state: HostNamesState, event: HostNamesEvent, nowMs: number): Decision<HostNamesEvent> {
  const { standings } = evolve(state, event, nowMs);
  const messages = Object.entries(standings).flatMap(([tenant, standing]): readonly Outgoing[] => {
    if (standing === state.standings[tenant]) return [];
    return [{ to: addressOf(tenant, "ingress"), message: { kind: "hosts-settled", ...standing } satisfies HostsSettled }];
  });
  return { kind: "accept", events: [event], messages, reply: null };
}
