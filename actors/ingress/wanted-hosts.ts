import type { DecideContext, Decision } from "../../runtime/actor.ts";
import { partsOf } from "../../runtime/address.ts";
import { HOST_NAMES, type HostNamesCommand } from "../host-name/commands.ts";
import { hostsOf } from "./hosts.ts";
import { evolve, type IngressEvent, type IngressState } from "./state.ts";

/** Adds what the owner of host names must hear: all names of the tenant's routes and of those that stacks keep for their members, whenever they are not the ones it was told last. */
export function tellingHosts(
  decision: Decision<IngressEvent>,
  state: IngressState,
  { address, nowMs }: DecideContext,
): Decision<IngressEvent> {
  if (decision.kind === "refuse") return decision;
  const after = decision.events.reduce((next, event) => evolve(next, event, nowMs), state);
  const hosts = hostsOf(Object.values(after.frontends), after.claims);
  if (JSON.stringify(hosts) === JSON.stringify(after.hosts.asked)) return decision;
  const message: HostNamesCommand = { kind: "hold", tenant: partsOf(address).tenant, number: after.hosts.number + 1, hosts };
  return {
    ...decision,
    events: [...decision.events, { type: "hosts.asked", hosts }],
    messages: [...decision.messages, { to: HOST_NAMES, message }],
  };
}
