import type { AnyActorDefinition, Decision, Outgoing } from "../../../runtime/actor.ts";
import { addressOf } from "../../../runtime/address.ts";
import type { Commit, Journal } from "../../../runtime/journal.ts";
import type { DeploymentEvent, DeploymentState } from "../../../actors/deployment/state.ts";
import type { Engine } from "../../../agent/engine/port.ts";
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

function journal(change: (commit: Commit, inner: Journal) => ReturnType<Journal["commit"]>): Mutation {
  return { journal: (inner) => ({ ...inner, commit: (commit) => change(commit, inner) }) };
}

function engine(methods: (real: Engine) => Partial<Engine>): Mutation {
  return {
    engine: (real) =>
      new Proxy(real, { get: (target, name) => (Reflect.get(methods(target), name) as unknown) ?? Reflect.get(target, name) }),
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
    breaks: /everything converges|a host port is used once/,
    make: () =>
      redecided("scheduler", (accepted) => ({ ...accepted, events: accepted.events.filter(({ type }) => type !== "placements.released") })),
  },
  {
    name: "a store that acknowledges a commit it does not write",
    breaks: /acknowledged means journalled/,
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
      journal((commit, inner) => inner.commit(isOfPerson(commit) && commit.events.length > 0 ? { ...commit, audit: undefined } : commit)),
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
    breaks: /everything converges/,
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
];
