import type { AnyActorDefinition, Decision, Outgoing } from "../../../runtime/actor.ts";
import { addressOf } from "../../../runtime/address.ts";
import type { Commit, Journal } from "../../../runtime/journal.ts";
import type { DeploymentEvent } from "../../../actors/deployment/events.ts";
import type { PinnedTemplate } from "../../../actors/deployment/contract.ts";
import type { DeploymentState } from "../../../actors/deployment/state.ts";
import type { IngressStatus } from "../../../actors/ingress/contract.ts";
import type { IngressEvent } from "../../../actors/ingress/state.ts";
import type { PlacementRequest, SchedulerCommand } from "../../../actors/scheduler/contract.ts";
import type { StackState } from "../../../actors/stack/state.ts";
import type { Engine } from "../../../agent/engine/port.ts";
import type { Proxy as IngressProxy, ProxyWish } from "../../../agent/ingress/proxy.ts";
import type { Mutation } from "../../../ops/sim/world.ts";

/** How one thing is made to be wrong: parts of the platform with a deliberate fault. */

type Accepted = Extract<Decision<{ readonly type: string }>, { kind: "accept" }>;

export function redecided(kind: string, change: (accepted: Accepted, state: unknown, tenant: string) => Accepted): Mutation {
  return {
    definition: (definition: AnyActorDefinition): AnyActorDefinition => {
      if (definition.decider.kind !== kind) return definition;
      const decide: AnyActorDefinition["decider"]["decide"] = (state: unknown, command: unknown, context) => {
        const decision = definition.decider.decide(state, command, context) as Decision<{ readonly type: string }>;
        return decision.kind === "accept" ? change(decision, state, context.address.split("/")[0] ?? "") : decision;
      };
      return { ...definition, decider: { ...definition.decider, decide } };
    },
  };
}

/** A deployment that takes its revisions for others than they are. */
export function believing(change: (template: PinnedTemplate) => PinnedTemplate): Mutation {
  return mistaking((state) => ({
    ...state,
    revisions: state.revisions.map((revision) => ({ ...revision, template: change(revision.template) })),
  }));
}

/** A deployment that decides on another state than it is in. */
export function mistaking(changed: (state: DeploymentState) => DeploymentState): Mutation {
  return {
    definition: (definition: AnyActorDefinition): AnyActorDefinition => {
      const { decider } = definition;
      if (decider.kind !== "deployment") return definition;
      const decide: typeof decider.decide = (state: unknown, command: unknown, context) =>
        decider.decide(changed(state as DeploymentState), command, context);
      return { ...definition, decider: { ...decider, decide } };
    },
  };
}

/** A deployment that asks the scheduler for other placements than it would. */
export function asking(change: (request: PlacementRequest) => PlacementRequest): Mutation {
  const changed = (message: unknown): unknown => {
    const asked = message as SchedulerCommand;
    return asked.kind === "place" ? { ...asked, requests: asked.requests.map(change) } : message;
  };
  return redecided("deployment", (accepted) => ({
    ...accepted,
    messages: accepted.messages.map((outgoing) => ({ ...outgoing, message: changed(outgoing.message) })),
  }));
}

export function journal(change: (commit: Commit, inner: Journal) => ReturnType<Journal["commit"]>): Mutation {
  return { journal: (inner) => ({ ...inner, commit: (commit) => change(commit, inner) }) };
}

export function engine(methods: (real: Engine) => Partial<Engine>): Mutation {
  return {
    engine: (real) =>
      new Proxy(real, { get: (target, name) => (Reflect.get(methods(target), name) as unknown) ?? Reflect.get(target, name) }),
  };
}

export function proxy(status: (real: IngressProxy, wish: ProxyWish | undefined) => IngressStatus): Mutation {
  return {
    proxy: (real) => {
      let wish: ProxyWish | undefined;
      return {
        start: (changed) => real.start(changed),
        want: (newer) => {
          wish = newer;
          real.want(newer);
        },
        get status() {
          return status(real, wish);
        },
        counts: () => real.counts(),
        stop: () => real.stop(),
      };
    },
  };
}

export const isOfPerson = ({ meta }: Commit): boolean => meta.principal.kind === "user";

/** True at its n-th question only. */
export function atThe(number: number): () => boolean {
  let count = 0;
  return () => ++count === number;
}

/** True at every n-th question. */
export function atEach(number: number): () => boolean {
  let count = 0;
  return () => ++count % number === 0;
}

export function oldBeforeNew(accepted: Accepted, before: unknown, tenant: string): Accepted {
  const { placements } = before as DeploymentState;
  const slots = new Set(
    (accepted.events as readonly DeploymentEvent[]).flatMap((event) =>
      event.type === "placements.requested" ? event.placements.map(({ slot }) => slot) : [],
    ),
  );
  const old = Object.values(placements).filter(
    ({ slot, desired, healthySinceMs }) => slots.has(slot) && desired === "running" && healthySinceMs !== undefined,
  );
  if (old.length === 0) return accepted;
  const stop = { type: "placements.stop-requested", placementIds: old.map(({ placementId }) => placementId) };
  const messages = old.flatMap(({ placementId, stage }): Outgoing[] =>
    stage.stage === "assigned"
      ? [{ to: addressOf(tenant, "node", stage.node), message: { kind: "stop", placementIds: [placementId] } }]
      : [],
  );
  return { ...accepted, events: [stop, ...accepted.events], messages: [...messages, ...accepted.messages] };
}

/** What it would do if routes were part of a replica. */
export function startingInVain(accepted: Accepted, before: unknown): Accepted {
  const { name, placements, nextSequence, revision } = before as DeploymentState;
  const events = accepted.events as readonly DeploymentEvent[];
  const begun = events.findIndex((event) => event.type === "rollout.started" && event.spares === true);
  const served = Object.values(placements).find(({ desired, healthySinceMs }) => desired === "running" && healthySinceMs !== undefined);
  if (begun < 0 || served === undefined) return accepted;
  const { slot } = served;
  const start = {
    type: "placements.requested",
    placements: [{ placementId: `${name}.${slot}.${nextSequence}`, slot, contentOf: revision }],
  };
  return { ...accepted, events: [...events.slice(0, begun + 1), start, ...events.slice(begun + 1)] };
}

/** Every withdrawal becomes a stop. */
export function stopsAtOnce(accepted: Accepted, before: unknown, tenant: string): Accepted {
  const { placements } = before as DeploymentState;
  const events = accepted.events as readonly DeploymentEvent[];
  const stopped = events.flatMap((event) => (event.type === "placements.withdrawal-requested" ? event.placementIds : []));
  const stops = stopped.flatMap((placementId): Outgoing[] => {
    const stage = placements[placementId]?.stage;
    return stage?.stage === "assigned"
      ? [{ to: addressOf(tenant, "node", stage.node), message: { kind: "stop", placementIds: [placementId] } }]
      : [];
  });
  return {
    ...accepted,
    events: events.map((event) =>
      event.type === "placements.withdrawal-requested" ? { ...event, type: "placements.stop-requested" } : event,
    ),
    messages: [...accepted.messages.filter(({ message }) => (message as { kind?: string }).kind !== "withdraw"), ...stops],
  };
}

export function answersAtOnce(accepted: Accepted, _before: unknown, tenant: string): Accepted {
  const withdrawals = (accepted.events as readonly IngressEvent[]).flatMap((event) =>
    event.type === "members.withdrawn" ? event.placements.map(({ placementId }) => ({ placementId, left: [] })) : [],
  );
  if (withdrawals.length === 0) return accepted;
  const answers = Map.groupBy(withdrawals, ({ placementId }) => placementId.slice(0, placementId.indexOf(".")));
  const messages = [...answers].map(([deployment, placements]): Outgoing => ({
    to: addressOf(tenant, "deployment", deployment),
    message: { kind: "withdrawn", placements },
  }));
  return {
    ...accepted,
    events: [...accepted.events, { type: "withdrawals.ended", withdrawals } as { readonly type: string }],
    messages: [...accepted.messages, ...messages],
  };
}

/** A stack for which everybody who has an order is well at once. */
export function believesAllWell(): Mutation {
  const well = (state: StackState): StackState => ({
    ...state,
    members: state.members.map(({ standing, ...record }) => ({
      ...record,
      standing: standing === undefined ? undefined : { ...standing, reached: "completed" },
    })),
  });
  return {
    definition: (definition) => {
      if (definition.decider.kind !== "stack") return definition;
      const decide: AnyActorDefinition["decider"]["decide"] = (state: unknown, command: unknown, context) =>
        definition.decider.decide(well(state as StackState), command, context);
      return { ...definition, decider: { ...definition.decider, decide } };
    },
  };
}
