import { expect, test } from "vitest";
import type { ContainerStats } from "../../actors/container/stats.ts";
import type { ChangeView, ContainerView, DeploymentView, NodeView } from "../../actors/views.ts";
import { ReadWorld } from "./read-context.ts";

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next?: string;
}

test("a deployment that does not exist is refused with the name that was probably meant", async () => {
  const world = new ReadWorld();
  await world.deployment("webshop");
  for (const name of ["deployments.get", "deployments.history"]) {
    expect(await world.read(name, { name: "webshpo" })).toMatchObject({
      kind: "refusal",
      code: "deployment.not-found",
      message: 'There is no deployment "webshpo". Did you mean "webshop"?',
    });
  }
  expect(await world.read("nodes.get", { name: "n1" })).toMatchObject({ code: "node.not-found", httpStatus: 404 });
  expect(await world.read("containers.get", { id: "web.1.1" })).toMatchObject({ code: "container.not-found" });
});

test("lists are read page by page, each once, while others are added", async () => {
  const world = new ReadWorld();
  for (const name of ["a", "b", "c", "d", "e"]) await world.deployment(name);
  const first = await world.value<Page<DeploymentView>>("deployments.list", { limit: 2 });
  await world.deployment("aa");
  const second = await world.value<Page<DeploymentView>>("deployments.list", { limit: 2, cursor: first.next });
  const third = await world.value<Page<DeploymentView>>("deployments.list", { limit: 2, cursor: second.next });
  expect([first, second, third].map(({ items }) => items.map(({ name }) => name))).toEqual([["a", "b"], ["c", "d"], ["e"]]);
  expect(third.next).toBeUndefined();
});

test("the health of a replica on a silent node is unknown, with the age of the last word, and its deployment does not count it", async () => {
  const world = new ReadWorld();
  const nowMs = world.clock.nowMs();
  for (const name of ["n1", "n2"]) await world.node(name);
  world.says("n1");
  world.says("n2", { lastHeardAtMs: nowMs - 12_000 });
  await world.deployment("web", { replicas: 2, healthyReplicas: 2, reason: "2 of 2 healthy" });
  await world.container("web.1.1", { node: "n1" });
  await world.container("web.2.2", { node: "n2", observedAtMs: nowMs });
  const { items } = await world.value<Page<ContainerView>>("containers.list", { deployment: "web" });
  expect(items.map(({ health }) => health)).toEqual(["healthy", "unknown"]);
  expect(items[1]).toMatchObject({
    reason: "node n2 has not been heard of for 12s; before that: running, healthy",
    observedAtMs: nowMs - 12_000,
  });
  expect(await world.value("containers.get", { id: "web.2.2" })).toEqual(items[1]);
  expect(await world.value("deployments.get", { name: "web" })).toMatchObject({
    status: "degraded",
    healthyReplicas: 1,
    reason: "2 of 2 healthy; of these 1 on silent nodes, hence unknown",
  });
  const nodes = await world.value<Page<NodeView>>("nodes.list");
  expect(nodes.items.map(({ name, status }) => `${name} ${status}`)).toEqual(["n1 healthy", "n2 unknown"]);
});

test("a replica whose image is being pulled shows how far it is", async () => {
  const world = new ReadWorld();
  await world.node("n1");
  await world.container("web.1.1", { node: "n1", phase: "pulling", health: "none" });
  const current = { phase: "pulling", doneBytes: 10_485_760, totalBytes: 41_943_040 } as const;
  const status = { placementId: "web.1.1", deployment: "web", sequence: 2, attempt: 1, restarts: 0, observedAtMs: 0, current };
  world.says("n1", { statuses: new Map([["web.1.1", status]]) });
  expect(await world.value("containers.get", { id: "web.1.1" })).toMatchObject({ phase: "pulling", reason: "10.0 of 40.0 MiB pulled" });
});

test("containers are found by deployment, node and phase", async () => {
  const world = new ReadWorld();
  for (const name of ["n1", "n2"]) {
    await world.node(name);
    world.says(name);
  }
  await world.container("web.1.1", { node: "n1" });
  await world.container("web.2.2", { node: "n2", phase: "backing-off", health: "none" });
  await world.container("shop.1.1", { node: "n2" });
  const ids = async (input: object): Promise<readonly string[]> =>
    (await world.value<Page<ContainerView>>("containers.list", { ...input })).items.map(({ id }) => id);
  expect(await ids({})).toEqual(["shop.1.1", "web.1.1", "web.2.2"]);
  expect(await ids({ deployment: "web" })).toEqual(["web.1.1", "web.2.2"]);
  expect(await ids({ node: "n2" })).toEqual(["shop.1.1", "web.2.2"]);
  expect(await ids({ phase: "backing-off", node: "n2" })).toEqual(["web.2.2"]);
});

test("the history is newest first and is filtered by author, kind and dates", async () => {
  const world = new ReadWorld();
  await world.deployment("web");
  await world.change("web", 1, { change: "create" });
  await world.change("web", 2, { by: "eve" });
  await world.change("web", 3, { change: "scale" });
  await world.change("web", 4);
  const found = async (input: object): Promise<readonly number[]> =>
    (await world.value<Page<ChangeView>>("deployments.history", { name: "web", ...input })).items.map(({ generation }) => generation);
  expect(await found({})).toEqual([4, 3, 2, 1]);
  expect(await found({ by: "eve" })).toEqual([2]);
  expect(await found({ change: "scale" })).toEqual([3]);
  expect(await found({ sinceMs: 2_000, untilMs: 3_000 })).toEqual([3, 2]);
  const first = await world.value<Page<ChangeView>>("deployments.history", { name: "web", limit: 3 });
  await world.change("web", 5);
  expect(await found({ limit: 3, cursor: first.next })).toEqual([1]);
  await world.delete("deployment", "web");
  expect(await found({})).toEqual([5, 4, 3, 2, 1]);
});

test("figures are measured on every node at once; one that does not answer is named and its last known figures are given", async () => {
  const world = new ReadWorld();
  const sample = { atMs: 1, cpuUsedMillis: 200, memoryUsedBytes: 1_000, rxBytes: 0, txBytes: 0, pids: 3 };
  for (const name of ["n1", "n2"]) await world.node(name);
  const agent = world.agent("n1");
  agent.answer = (request) => (request.kind === "stats" ? { kind: "stats", samples: [{ ...sample, placementId: "web.1.1" }] } : undefined);
  world.says("n2", { containers: new Map([["web.2.2", { ...sample, placementId: "web.2.2" }]]) });
  await world.container("web.1.1", { node: "n1" });
  await world.container("web.2.2", { node: "n2" });
  await world.container("web.3.3", { phase: "pending", health: "none" });
  const stats = await world.value<ContainerStats>("containers.stats", { deployment: "web" });
  expect(stats.items.map(({ placementId, node, freshness }) => `${placementId} ${node} ${freshness}`)).toEqual([
    "web.1.1 n1 live",
    "web.2.2 n2 last-known",
  ]);
  expect(stats.missing).toEqual([
    { node: "n2", containers: ["web.2.2"], reason: "node n2 does not answer (no-responder); heard of 0s ago" },
  ]);
  await agent.leave();
});
