import type { Random } from "../../runtime/clock.ts";
import { BAD_IMAGES, BALANCED_PORTS, DEADLINES, GOOD_IMAGES, oneOf, type Wish } from "./ingredients.ts";
import { applied, MEMBERS, SERVICES, STACKS } from "./manifests.ts";

export const DEPLOYMENTS = ["web", "api", "db"] as const;

const BAD_IMAGE_SHARE = 0.2;
const HOST_MODE_SHARE = 0.2;
const BALANCED_SHARE = 0.5;
const ROUTE_SHARE = 0.2;
/** Which deployment has which is chance: sometimes one is refused. */
const HOST_PORTS = [8080, 9090] as const;
const DRAIN_TIMES_MS = [0, 3_000, 10_000] as const;
const MOST_REPLICAS = 4;
const GLOBAL_SHARE = 0.25;
const PARTITIONS = [{}, { partition: "replace" }, { partition: "wait" }, { partition: "wait" }] as const;
/** Two do for all replicas where there are two nodes, most of the time. */
const MOST_PER_NODE = [0, 0, 2] as const;
/** Of what is done to deployments, so much is done to members of a stack, by hand. */
const MEMBER_SHARE = 0.2;
const PRUNE_SHARE = 0.4;
const BUDGETS = [
  {},
  {},
  { maxSurge: 2 },
  { maxSurge: 0, maxUnavailable: 1 },
  { maxSurge: "50%", maxUnavailable: "25%" },
  { rollback: { maxSurge: 0, maxUnavailable: 2, delayMs: 3_000 } },
] as const;
const PAUSES_MS = [0, 0, 5_000] as const;
const TIMES = { intervalMs: 3_000, timeoutMs: 1_000, retries: 2 } as const;
const CHECKS = [
  undefined,
  undefined,
  { kind: "http", path: "/healthz", ...TIMES },
  { kind: "command", command: ["check"], ...TIMES },
] as const;

export function goodImage(random: Random): string {
  return oneOf(random, GOOD_IMAGES);
}

function image(random: Random): string {
  return random.next() < BAD_IMAGE_SHARE ? oneOf(random, BAD_IMAGES) : goodImage(random);
}

/** A whole deployment, of an image that works when told so. */
export function newDeployment(random: Random, name: string, imageReference: string): Wish["input"] {
  const health = oneOf(random, CHECKS);
  return {
    name,
    image: imageReference,
    ...(random.next() < GLOBAL_SHARE
      ? { mode: "global" }
      : { replicas: 1 + Math.floor(random.next() * MOST_REPLICAS), maxReplicasPerNode: oneOf(random, MOST_PER_NODE) }),
    ...oneOf(random, PARTITIONS),
    ports: [{ containerPort: 80, ...publication(random) }],
    routes: random.next() < ROUTE_SHARE ? [{ host: `${name}.example.com`, tls: "off" }] : [],
    drainMs: oneOf(random, DRAIN_TIMES_MS),
    ...(health === undefined ? {} : { health }),
    resources: { cpuReservedMillis: oneOf(random, [0, 100, 900]), memoryReservedBytes: oneOf(random, [0, 2 ** 28]) },
    constraints: random.next() < 0.1 ? [{ operator: "==", key: "zone", value: "a" }] : [],
    stopGraceMs: 2_000,
    rollout: {
      ...DEADLINES,
      ...oneOf(random, BUDGETS),
      delayMs: oneOf(random, PAUSES_MS),
      onFailure: random.next() < 0.7 ? "rollback" : "pause",
    },
  };
}

function publication(random: Random): Readonly<Record<string, unknown>> {
  const mark = random.next();
  if (mark < HOST_MODE_SHARE) return { publishedPort: oneOf(random, HOST_PORTS), mode: "host" };
  return mark < HOST_MODE_SHARE + BALANCED_SHARE ? { publishedPort: oneOf(random, BALANCED_PORTS) } : {};
}

/** What replicas do not carry, or not all of. */
function uncarried(random: Random, name: string): Readonly<Record<string, unknown>> {
  return oneOf<(random: Random) => Readonly<Record<string, unknown>>>(random, [
    () => ({ routes: [{ host: `${name}.example.com`, tls: "off" }] }),
    () => ({ routes: ["/", "/more"].map((path) => ({ host: `${name}.example.com`, path, tls: "off" })) }),
    () => ({ routes: [] }),
    () => ({ ports: [{ containerPort: 80, publishedPort: oneOf(random, BALANCED_PORTS) }] }),
    () => ({ drainMs: oneOf(random, DRAIN_TIMES_MS) }),
    () => ({ drainMs: oneOf(random, DRAIN_TIMES_MS), replicas: 1 + Math.floor(random.next() * MOST_REPLICAS) }),
    () => ({ rollout: { ...oneOf(random, BUDGETS), delayMs: oneOf(random, PAUSES_MS) } }),
  ])(random);
}

interface Subjects {
  readonly name: string;
  readonly node: string;
  readonly stack: string;
}

type Make = (random: Random, subjects: Subjects) => Wish;

const wishes: readonly (readonly [weight: number, make: Make])[] = [
  [3, (random, { name }) => ({ operation: "deployments.create", input: newDeployment(random, name, image(random)) })],
  [2, (random, { name }) => ({ operation: "deployments.apply", input: newDeployment(random, name, image(random)) })],
  [6, (random, { name }) => ({ operation: "deployments.update", input: { name, image: image(random) } })],
  [
    2,
    (random, { name }) => ({
      operation: "deployments.update",
      input: { name, environment: { N: String(Math.floor(random.next() * 100)) } },
    }),
  ],
  [4, (random, { name }) => ({ operation: "deployments.update", input: { name, ...uncarried(random, name) } })],
  [
    4,
    (random, { name }) => ({ operation: "deployments.scale", input: { name, replicas: Math.floor(random.next() * (MOST_REPLICAS + 1)) } }),
  ],
  [1, (_random, { name }) => ({ operation: "deployments.update", input: { name, mode: "global" } })],
  [1, (_random, { name }) => ({ operation: "deployments.update", input: { name, mode: "replicated", replicas: MOST_REPLICAS } })],
  [1, (random, { name }) => ({ operation: "deployments.update", input: { name, partition: oneOf(random, ["replace", "wait"]) } })],
  [2, (_random, { name }) => ({ operation: "deployments.rollback", input: { name } })],
  [1, (random, { name }) => ({ operation: "deployments.rollback", input: { name, to: 1 + Math.floor(random.next() * 4) } })],
  [2, (_random, { name }) => ({ operation: "deployments.restart", input: { name } })],
  [1, (_random, { name }) => ({ operation: "deployments.stop", input: { name } })],
  [2, (_random, { name }) => ({ operation: "deployments.start", input: { name } })],
  [1, (_random, { name }) => ({ operation: "deployments.delete", input: { name } })],
  [1, (_random, { node }) => ({ operation: "nodes.cordon", input: { name: node } })],
  [1, (_random, { node }) => ({ operation: "nodes.drain", input: { name: node } })],
  [2, (_random, { node }) => ({ operation: "nodes.uncordon", input: { name: node } })],
  [2, (_random, { node }) => ({ operation: "nodes.remove", input: { name: node } })],
  [6, (random, { stack }) => applied(random, stack, random.next() < PRUNE_SHARE, "any")],
  [2, (_random, { stack }) => ({ operation: "stacks.rollback", input: { name: stack } })],
  [1, (random, { stack }) => ({ operation: "stacks.rollback", input: { name: stack, to: 1 + Math.floor(random.next() * 4) } })],
  [1, (_random, { stack }) => ({ operation: "stacks.restart", input: { name: stack } })],
  [2, (random, { stack }) => ({ operation: "stacks.restart", input: { name: stack, services: [oneOf(random, SERVICES)] } })],
  [1, (_random, { stack }) => ({ operation: "stacks.delete", input: { name: stack } })],
];
const TOTAL_WEIGHT = wishes.reduce((sum, [weight]) => sum + weight, 0);

/** Anything a person may ask for, without knowing how things stand. */
export function anyWish(random: Random, nodes: readonly string[]): Wish {
  const subjects = {
    name: oneOf(random, random.next() < MEMBER_SHARE ? MEMBERS : DEPLOYMENTS),
    node: oneOf(random, nodes),
    stack: oneOf(random, STACKS),
  };
  let mark = random.next() * TOTAL_WEIGHT;
  for (const [weight, make] of wishes) {
    mark -= weight;
    if (mark < 0) return make(random, subjects);
  }
  return { operation: "deployments.start", input: { name: subjects.name } };
}
