import type { Outgoing } from "../../runtime/actor.ts";
import { addressOf } from "../../runtime/address.ts";
import { frontendProblems, frontendsOfTemplate, unitedFrontends } from "../deployment/frontends.ts";
import type { IngressCommand, Want } from "../ingress/commands.ts";
import type { Member } from "./commands.ts";
import type { StackState } from "./state.ts";
import { stepsOf } from "./steps.ts";
import { revisionOf, targetAt, targetOf } from "./target.ts";

/**
 * Says to the ingress what stays free for the stack's members while its change is under way, whenever that is something else: members come late in their
 * order, and go back to what they have given up when another one fails.
 */
export function keepMessages(tenant: string, before: StackState, after: StackState): readonly Outgoing[] {
  if (before.rollout?.id === after.rollout?.id && before.rollout?.outcome === after.rollout?.outcome) return [];
  const wants = keptFrontends(after);
  if (JSON.stringify(keptFrontends(before)) === JSON.stringify(wants)) return [];
  return [{ to: addressOf(tenant, "ingress"), message: { kind: "keep", stack: after.name, wants } satisfies IngressCommand }];
}

/** What its change would have to have before it may begin: of those members that it orders to be something. */
export function frontendsToReserve(state: StackState): readonly Want[] {
  if (state.rollout?.outcome !== "in-progress") return [];
  return wantsOf(stepsOf(state).flatMap(({ member, progress }) => (progress.kind === "done" ? [] : (member ?? []))));
}

function keptFrontends(state: StackState): readonly Want[] {
  const { rollout } = state;
  // A restart gives nothing up, and comes to nothing new.
  if (rollout?.outcome !== "in-progress" || rollout.change === "restart" || state.mode !== "present") return [];
  const revision = revisionOf(state, state.revision);
  const isWayBack = revision?.onFailure === "rollback" && rollout.change !== "automatic-rollback";
  const proven = isWayBack ? targetAt(state, revisionOf(state, state.succeeded)).members : [];
  return wantsOf([...targetOf(state).members, ...proven]);
}

function wantsOf(members: readonly Member[]): readonly Want[] {
  // What a member would refuse itself is left to it: it says so better.
  const possible = members.filter(({ template }) => frontendProblems(template).length === 0);
  const all = possible.map(({ deployment, template }) => ({ deployment, frontends: frontendsOfTemplate(template) }));
  const used = all.filter(({ frontends: { ports, hostPorts, routes } }) => ports.length + hostPorts.length + routes.length > 0);
  return [...Map.groupBy(used, ({ deployment }) => deployment)].map(([deployment, wants]) => ({
    deployment,
    frontends: unitedFrontends(wants.map(({ frontends }) => frontends)),
  }));
}
