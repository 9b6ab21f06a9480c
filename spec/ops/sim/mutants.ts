import type { AnyActorDefinition } from "../../../runtime/actor.ts";
import { isDisconnected } from "../../../actors/deployment/replica.ts";
import type { DeploymentState, Revision } from "../../../actors/deployment/state.ts";
import type { HostNamesEvent } from "../../../actors/host-name/state.ts";
import type { StackEvent, StackState } from "../../../actors/stack/state.ts";
import { LABEL } from "../../../agent/labels.ts";
import type { Mutation } from "../../../ops/sim/world.ts";
import {
  redecided,
  believing,
  mistaking,
  asking,
  journal,
  engine,
  proxy,
  isOfPerson,
  atThe,
  atEach,
  oldBeforeNew,
  startingInVain,
  stopsAtOnce,
  answersAtOnce,
  believesAllWell,
} from "./mutate.ts";

/** A platform with one deliberate fault, and the promise it breaks. */
export interface Mutant {
  readonly name: string;
  readonly breaks: RegExp;
  /** Fresh for each run. */
  readonly make: () => Mutation;
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
