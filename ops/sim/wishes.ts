import type { Random } from "../../runtime/clock.ts";

/** One call of an operation of the catalogue. */
export interface Wish {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export const DEPLOYMENTS = ["web", "api", "db"] as const;

const GOOD_IMAGES = ["app:1", "app:2", "app:3", "app:4", "sim/slow:2000", "sim/stubborn:1"] as const;
const BAD_IMAGES = ["sim/crash:3", "sim/sick:1", "sim/nocommand:1", "sim/oom:1", "sim/missing:1", "sim/arm:1"] as const;
const BAD_IMAGE_SHARE = 0.2;
const HOST_MODE_SHARE = 0.2;
const BALANCED_SHARE = 0.5;
const ROUTE_SHARE = 0.2;
/** Which deployment has which is chance: sometimes one is refused. */
const HOST_PORTS = [8080, 9090] as const;
const BALANCED_PORTS = [7000, 7001, 7002, 7003, 7004, 7005] as const;
const DRAIN_TIMES_MS = [0, 3_000, 10_000] as const;
const MOST_REPLICAS = 4;
/** Short deadlines: every rollout ends within minutes of virtual time. A process of `sim/crash` lives for one second, less than a replica has to. */
const DEADLINES = {
  minHealthyMs: 2_000,
  placeDeadlineMs: 60_000,
  pullDeadlineMs: 60_000,
  startDeadlineMs: 30_000,
  healthyDeadlineMs: 45_000,
  wholeDeadlineMs: 240_000,
} as const;
const BUDGETS = [{}, {}, { maxSurge: 2 }, { maxSurge: 0, maxUnavailable: 1 }, { maxSurge: "50%", maxUnavailable: "25%" }] as const;
const TIMES = { intervalMs: 3_000, timeoutMs: 1_000, retries: 2 } as const;
const CHECKS = [
  undefined,
  undefined,
  { kind: "http", path: "/healthz", ...TIMES },
  { kind: "command", command: ["check"], ...TIMES },
] as const;

export function oneOf<Item>(random: Random, items: readonly Item[]): Item {
  if (items.length === 0) throw new Error("nothing to choose from");
  return items[Math.floor(random.next() * items.length)] as Item;
}

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
    replicas: 1 + Math.floor(random.next() * MOST_REPLICAS),
    ports: [{ containerPort: 80, ...publication(random) }],
    routes: random.next() < ROUTE_SHARE ? [{ host: `${name}.example.com`, tls: "off" }] : [],
    drainMs: oneOf(random, DRAIN_TIMES_MS),
    ...(health === undefined ? {} : { health }),
    resources: { cpuReservedMillis: oneOf(random, [0, 100, 900]), memoryReservedBytes: oneOf(random, [0, 2 ** 28]) },
    constraints: random.next() < 0.1 ? [{ operator: "==", key: "zone", value: "a" }] : [],
    stopGraceMs: 2_000,
    rollout: { ...DEADLINES, ...oneOf(random, BUDGETS), onFailure: random.next() < 0.7 ? "rollback" : "pause" },
  };
}

function publication(random: Random): Readonly<Record<string, unknown>> {
  const mark = random.next();
  if (mark < HOST_MODE_SHARE) return { publishedPort: oneOf(random, HOST_PORTS), mode: "host" };
  return mark < HOST_MODE_SHARE + BALANCED_SHARE ? { publishedPort: oneOf(random, BALANCED_PORTS) } : {};
}

type Make = (random: Random, name: string, node: string) => Wish;

const wishes: readonly (readonly [weight: number, make: Make])[] = [
  [3, (random, name) => ({ operation: "deployments.create", input: newDeployment(random, name, image(random)) })],
  [2, (random, name) => ({ operation: "deployments.apply", input: newDeployment(random, name, image(random)) })],
  [6, (random, name) => ({ operation: "deployments.update", input: { name, image: image(random) } })],
  [
    2,
    (random, name) => ({ operation: "deployments.update", input: { name, environment: { N: String(Math.floor(random.next() * 100)) } } }),
  ],
  [4, (random, name) => ({ operation: "deployments.scale", input: { name, replicas: Math.floor(random.next() * (MOST_REPLICAS + 1)) } })],
  [2, (_random, name) => ({ operation: "deployments.rollback", input: { name } })],
  [1, (random, name) => ({ operation: "deployments.rollback", input: { name, to: 1 + Math.floor(random.next() * 4) } })],
  [2, (_random, name) => ({ operation: "deployments.restart", input: { name } })],
  [1, (_random, name) => ({ operation: "deployments.stop", input: { name } })],
  [2, (_random, name) => ({ operation: "deployments.start", input: { name } })],
  [1, (_random, name) => ({ operation: "deployments.delete", input: { name } })],
  [1, (_random, _name, node) => ({ operation: "nodes.cordon", input: { name: node } })],
  [1, (_random, _name, node) => ({ operation: "nodes.drain", input: { name: node } })],
  [2, (_random, _name, node) => ({ operation: "nodes.uncordon", input: { name: node } })],
  [2, (_random, _name, node) => ({ operation: "nodes.remove", input: { name: node } })],
];
const TOTAL_WEIGHT = wishes.reduce((sum, [weight]) => sum + weight, 0);

/** Anything a person may ask for, without knowing how things stand. */
export function anyWish(random: Random, nodes: readonly string[]): Wish {
  const [name, node] = [oneOf(random, DEPLOYMENTS), oneOf(random, nodes)];
  let mark = random.next() * TOTAL_WEIGHT;
  for (const [weight, make] of wishes) {
    mark -= weight;
    if (mark < 0) return make(random, name, node);
  }
  return { operation: "deployments.start", input: { name } };
}
