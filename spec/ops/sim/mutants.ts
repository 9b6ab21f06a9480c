import type { AnyActorDefinition, Decision, Outgoing } from "../../../runtime/actor.ts";
import { addressOf } from "../../../runtime/address.ts";
import type { Commit, Journal } from "../../../runtime/journal.ts";
import type { DeploymentEvent } from "../../../actors/deployment/events.ts";
import type { PinnedTemplate } from "../../../actors/deployment/contract.ts";
import { isDisconnected } from "../../../actors/deployment/replica.ts";
import type { DeploymentState, Revision } from "../../../actors/deployment/state.ts";
import type { HostNamesEvent } from "../../../actors/host-name/state.ts";
import type { IngressStatus } from "../../../actors/ingress/contract.ts";
import type { IngressEvent } from "../../../actors/ingress/state.ts";
import type { PlacementRequest, SchedulerCommand } from "../../../actors/scheduler/contract.ts";
import type { StackEvent, StackState } from "../../../actors/stack/state.ts";
import type { Engine } from "../../../agent/engine/port.ts";
import type { Proxy as IngressProxy, ProxyWish } from "../../../agent/ingress/proxy.ts";
import { LABEL } from "../../../agent/labels.ts";
import type { Mutation } from "../../../ops/sim/world.ts";

/** A platform with one deliberate fault, and the promise it breaks. */
export interface Mutant {
  readonly name: string;
  readonly breaks: RegExp;
  /** Fresh for each run. */
  readonly make: () => Mutation;
}

type Accepted = Extract<Decision<{ readonly type: string }>, { kind: "accept" }>;

function redecided(kind: string, change: (accepted: Accepted, state: unknown, tenant: string) => Accepted): Mutation {
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
function believing(change: (template: PinnedTemplate) => PinnedTemplate): Mutation {
  return mistaking((state) => ({
    ...state,
    revisions: state.revisions.map((revision) => ({ ...revision, template: change(revision.template) })),
  }));
}

/** A deployment that decides on another state than it is in. */
function mistaking(changed: (state: DeploymentState) => DeploymentState): Mutation {
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
function asking(change: (request: PlacementRequest) => PlacementRequest): Mutation {
  const changed = (message: unknown): unknown => {
    const asked = message as SchedulerCommand;
    return asked.kind === "place" ? { ...asked, requests: asked.requests.map(change) } : message;
  };
  return redecided("deployment", (accepted) => ({
    ...accepted,
    messages: accepted.messages.map((outgoing) => ({ ...outgoing, message: changed(outgoing.message) })),
  }));
}

function journal(change: (commit: Commit, inner: Journal) => ReturnType<Journal["commit"]>): Mutation {
  return { journal: (inner) => ({ ...inner, commit: (commit) => change(commit, inner) }) };
}

function engine(methods: (real: Engine) => Partial<Engine>): Mutation {
  return {
    engine: (real) =>
      new Proxy(real, { get: (target, name) => (Reflect.get(methods(target), name) as unknown) ?? Reflect.get(target, name) }),
  };
}

function proxy(status: (real: IngressProxy, wish: ProxyWish | undefined) => IngressStatus): Mutation {
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

const isOfPerson = ({ meta }: Commit): boolean => meta.principal.kind === "user";

/** True at its n-th question only. */
function atThe(number: number): () => boolean {
  let count = 0;
  return () => ++count === number;
}

/** True at every n-th question. */
function atEach(number: number): () => boolean {
  let count = 0;
  return () => ++count % number === 0;
}

function oldBeforeNew(accepted: Accepted, before: unknown, tenant: string): Accepted {
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
function startingInVain(accepted: Accepted, before: unknown): Accepted {
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
function stopsAtOnce(accepted: Accepted, before: unknown, tenant: string): Accepted {
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

function answersAtOnce(accepted: Accepted, _before: unknown, tenant: string): Accepted {
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
function believesAllWell(): Mutation {
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

export const mutants: readonly Mutant[] = [
  {
    name: "a deployment that stops the old replica before the new one is there",
    breaks: /never below replicas - maxUnavailable/,
    make: () => redecided("deployment", oldBeforeNew),
  },
  {
    name: "a rollout that calls itself a success when it begins",
    breaks: /a rollout that succeeded did/,
    make: () =>
      redecided("deployment", (accepted, state) => {
        const { generation } = state as DeploymentState;
        const isBegun = accepted.events.some(({ type }) => type === "rollout.started");
        const ended = { type: "rollout.ended", id: generation + 1, outcome: "succeeded", reason: undefined };
        return isBegun ? { ...accepted, events: [...accepted.events, ended] } : accepted;
      }),
  },
  {
    name: "a deployment that starts a replica for a change of its routes",
    breaks: /what replicas do not carry replaces none/,
    make: () => redecided("deployment", startingInVain),
  },
  {
    name: "a scheduler that forgets to write a reservation down",
    breaks: /everything converges|a host port is used once/,
    make: () => {
      const isUnlucky = atEach(4);
      return redecided("scheduler", (accepted) => {
        const events = accepted.events.filter(({ type }) => type !== "placements.reserved" || !isUnlucky());
        return { ...accepted, events };
      });
    },
  },
  {
    name: "a scheduler that never gives anything free",
    breaks: /everything converges|a host port is used once|nobody writes to a volume beside/,
    make: () =>
      redecided("scheduler", (accepted) => ({ ...accepted, events: accepted.events.filter(({ type }) => type !== "placements.released") })),
  },
  {
    name: "an ingress that takes every host name for its own",
    breaks: /a host name answers for one tenant/,
    make: () =>
      redecided("ingress", (accepted) => ({
        ...accepted,
        events: accepted.events.map((event) => (event.type === "hosts.settled" ? { ...event, taken: [] } : event)),
      })),
  },
  {
    name: "an owner of host names that keeps what is given back",
    breaks: /everything converges/,
    make: () =>
      redecided("host-names", (accepted) => ({
        ...accepted,
        events: accepted.events.filter((event) => (event as Partial<HostNamesEvent & { type: "host-names.held" }>).hosts?.length !== 0),
      })),
  },
  {
    name: "a store that acknowledges a commit it does not write",
    breaks: /acknowledged means journalled|everything converges/,
    make: () => {
      const isDropped = atThe(1);
      return journal(async (commit, inner) => {
        const isCordoned = commit.events.some(({ type }) => type === "node.cordoned");
        if (!isCordoned || !isDropped()) return inner.commit(commit);
        return { kind: "committed", version: commit.expectedVersion + commit.events.length, offset: 0 };
      });
    },
  },
  {
    name: "a store that writes decisions without their audit entry",
    breaks: /acknowledged means journalled|every decision has its audit entry/,
    make: () =>
      journal((commit, inner) => inner.commit(isOfPerson(commit) && commit.events.length > 0 ? { ...commit, audit: [] } : commit)),
  },
  {
    name: "a message that is never sent",
    breaks: /everything converges/,
    make: () => {
      const isLost = atEach(10);
      return redecided("deployment", (accepted) => ({
        ...accepted,
        messages: accepted.messages.filter(({ message }) => (message as { kind?: string }).kind !== "assign" || !isLost()),
      }));
    },
  },
  {
    name: "an outbox that does not outlive its process",
    breaks: /everything converges|pools hold healthy replicas only/,
    make: () => journal((commit, inner) => inner.commit({ ...commit, outbox: [] })),
  },
  {
    name: "an actor whose state depends on more than its events",
    breaks: /a replay gives the live state/,
    make: () => {
      let count = 0;
      return {
        definition: (definition) => {
          if (definition.decider.kind !== "node") return definition;
          const evolve: AnyActorDefinition["decider"]["evolve"] = (state: unknown, event, atMs) => ({
            ...(definition.decider.evolve(state, event, atMs) as object),
            count: count++,
          });
          return { ...definition, decider: { ...definition.decider, evolve } };
        },
      };
    },
  },
  {
    name: "an actor that throws",
    breaks: /nothing fails inside/,
    make: () => {
      const isThrown = atThe(20);
      return redecided("deployment", (accepted) => {
        if (isThrown()) throw new Error("a bug");
        return accepted;
      });
    },
  },
  {
    name: "an agent that leaves containers behind",
    breaks: /everything converges/,
    make: () => {
      const isLeft = atThe(6);
      return engine((real) => ({
        remove: (containerId) => (isLeft() ? Promise.resolve() : real.remove(containerId)),
        list: async () => (await real.list()).filter(({ state }) => state === "running" || state === "paused"),
      }));
    },
  },
  {
    name: "an agent that takes other people's containers for its own",
    breaks: /foreign containers are untouched/,
    make: () =>
      engine((real) => ({
        remove: async (containerId) => {
          const foreign = (
            real as unknown as { containers(): readonly { containerId: string; labels: Readonly<Record<string, string>> }[] }
          ).containers();
          await real.remove(foreign.find(({ labels }) => labels[LABEL.tenant] === undefined)?.containerId ?? containerId);
          await real.remove(containerId);
        },
      })),
  },
  {
    name: "an agent that runs another image than it was given",
    breaks: /everything converges/,
    make: () =>
      engine((real) => ({
        create: (container) =>
          real.create({ ...container, image: { ...container.image, digest: container.image.digest.replace(/.$/, "0") } }),
        pull: async (image, progress, signal) => real.pull({ ...image, digest: image.digest.replace(/.$/, "0") }, progress, signal),
      })),
  },
  {
    name: "a deployment that stops a replica while it is in the pools",
    breaks: /what we stop is in no pool|pools hold healthy replicas only/,
    make: () => redecided("deployment", stopsAtOnce),
  },
  {
    name: "an ingress that lets a replica go before anybody serves the table without it",
    breaks: /what we stop is in no pool/,
    make: () => redecided("ingress", answersAtOnce),
  },
  {
    name: "an ingress that keeps what became unhealthy or was lost with its node",
    breaks: /pools hold healthy replicas only/,
    make: () =>
      redecided("ingress", (accepted) => ({ ...accepted, events: accepted.events.filter(({ type }) => type !== "members.left") })),
  },
  {
    name: "an ingress that does not hear of every healthy replica",
    breaks: /everything converges/,
    make: () => {
      const isMissed = atEach(5);
      return redecided("ingress", (accepted) => ({
        ...accepted,
        events: accepted.events.filter(({ type }) => type !== "members.entered" || !isMissed()),
      }));
    },
  },
  {
    name: "a stack that begins members before those they wait for are as they have to be",
    breaks: /members are begun in their order/,
    make: believesAllWell,
  },
  {
    name: "a stack that loses a member of what it was asked for",
    breaks: /a stack becomes what was asked for/,
    make: () =>
      redecided("stack", (accepted) => ({
        ...accepted,
        events: (accepted.events as readonly StackEvent[]).map((event) =>
          event.type === "stack.revised" ? { ...event, members: event.members.slice(1) } : event,
        ),
      })),
  },
  {
    name: "a stack whose rollout is a success when it begins",
    breaks: /a rollout that succeeded did/,
    make: () =>
      redecided("stack", (accepted, state) => {
        const isBegun = accepted.events.some(({ type }) => type === "stack.rollout-started");
        const ended = { type: "stack.rollout-ended", id: (state as StackState).generation + 1, outcome: "succeeded", reason: undefined };
        return isBegun ? { ...accepted, events: [...accepted.events, ended] } : accepted;
      }),
  },
  {
    name: "a member that does not always tell its stack how it stands",
    breaks: /everything converges|what works is rolled out/,
    make: () => {
      const isLost = atEach(7);
      return redecided("deployment", (accepted) => ({
        ...accepted,
        messages: accepted.messages.filter(({ message }) => (message as { kind?: string }).kind !== "member-stands" || !isLost()),
      }));
    },
  },
  {
    name: "a scheduler that leaves a group where it came apart",
    breaks: /everything converges/,
    make: () =>
      redecided("scheduler", (accepted) => ({
        ...accepted,
        messages: accepted.messages.filter(({ message }) => (message as { kind?: string }).kind !== "evacuate"),
      })),
  },
  {
    name: "a scheduler that does not tell every change of the nodes",
    breaks: /everything converges|what works is rolled out/,
    make: () => {
      const isLost = atEach(3);
      return redecided("scheduler", (accepted) => ({
        ...accepted,
        messages: accepted.messages.filter(({ message }) => (message as { kind?: string }).kind !== "nodes-fit" || !isLost()),
      }));
    },
  },
  {
    name: "a global deployment that takes any node for a replica",
    breaks: /one replica per node/,
    make: () => asking(({ node: _node, ...request }) => request),
  },
  {
    name: "a deployment that does not say how many of its replicas may be on one node",
    breaks: /no more replicas on a node than allowed/,
    make: () => asking(({ requirements: { maxPerNode: _most, ...requirements }, ...request }) => ({ ...request, requirements })),
  },
  {
    name: "a deployment that gives up what may still run behind a partition",
    breaks: /nobody takes the place of who may still run behind a partition/,
    make: () =>
      mistaking((state) => {
        const replacing = ({ template, ...revision }: Revision): Revision => ({
          ...revision,
          template: { ...template, partition: "replace" },
        });
        return Object.values(state.placements).some(isDisconnected) ? { ...state, revisions: state.revisions.map(replacing) } : state;
      }),
  },
  {
    name: "a deployment that forgets what is behind a partition",
    breaks: /nobody takes the place of who may still run behind a partition/,
    make: () =>
      mistaking((state) => ({
        ...state,
        placements: Object.fromEntries(Object.entries(state.placements).filter(([, placement]) => !isDisconnected(placement))),
      })),
  },
  {
    name: "a deployment that makes no pause between one replica and the next",
    breaks: /a rollout pauses as it was told/,
    make: () => believing((template) => ({ ...template, rollout: { ...template.rollout, delayMs: 0 } })),
  },
  {
    name: "a deployment that asks for the next one that writes to a volume while the last one is stopping",
    breaks: /nobody writes to a volume beside the one that is to stop first/,
    make: () => asking(({ beside: _beside, ...request }) => request),
  },
  {
    name: "a proxy that says that it serves a table before it does",
    breaks: /what we stop is in no pool/,
    make: () =>
      proxy((real, wish) => {
        const { epoch, number } = wish?.table ?? real.status.serving;
        return { ...real.status, serving: { epoch, number } };
      }),
  },
];
