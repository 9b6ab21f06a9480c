import type { DecideContext, Decision } from "../../runtime/actor.ts";
import { addressOf, partsOf } from "../../runtime/address.ts";
import type { CertificatesCommand } from "../certificate/commands.ts";
import { evolve, type IngressEvent, type IngressState } from "./state.ts";
import { trafficOf } from "./table.ts";

/** After these, other routes may be in force. */
const ROUTE_EVENTS: ReadonlySet<IngressEvent["type"]> = new Set(["frontends.changed", "claims.expired", "hosts.settled"]);

/** Adds what the keeper of certificates must hear: all hosts of routes with TLS, whenever they change. */
export function tellingWants(
  decision: Decision<IngressEvent>,
  state: IngressState,
  { address, nowMs }: DecideContext,
): Decision<IngressEvent> {
  if (decision.kind === "refuse" || !decision.events.some(({ type }) => ROUTE_EVENTS.has(type))) return decision;
  const after = decision.events.reduce((next, event) => evolve(next, event, nowMs), state);
  const hosts = tlsHosts(after);
  if (JSON.stringify(tlsHosts(state)) === JSON.stringify(hosts)) return decision;
  const message: CertificatesCommand = { kind: "want", hosts };
  return { ...decision, messages: [...decision.messages, { to: addressOf(partsOf(address).tenant, "certificates"), message }] };
}

function tlsHosts(state: IngressState): readonly string[] {
  return [...new Set(trafficOf(state).routes.flatMap(({ host, tls }) => (tls === "on" ? [host] : [])))].toSorted();
}
