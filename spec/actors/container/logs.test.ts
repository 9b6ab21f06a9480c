import { afterEach, expect, test } from "vitest";
import type { StreamItem } from "../../../actors/catalogue.ts";
import type { LogItem } from "../../../actors/container/log-contract.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";
import { ReadWorld, type TestAgent } from "../read-context.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** Reads a stream into a list as it comes. */
class Reading {
  readonly items: { readonly id: string | undefined; readonly data: LogItem }[] = [];
  isOver = false;
  readonly #controller = new AbortController();

  constructor(world: ReadWorld, input: Readonly<Record<string, unknown>>, lastEventId?: string) {
    ends.push(() => this.close());
    void this.#read(world.open("containers.logs", input, this.#controller.signal, lastEventId));
  }

  async #read(source: AsyncIterator<StreamItem>): Promise<void> {
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      this.items.push({ id: next.value.id, data: next.value.data as LogItem });
    }
    this.isOver = true;
  }

  close(): void {
    this.#controller.abort();
  }

  get texts(): readonly string[] {
    return this.items.flatMap(({ data }) => (data.kind === "line" ? [data.text] : []));
  }

  get notices(): readonly string[] {
    return this.items.flatMap(({ data }) => (data.kind === "notice" ? [data.message] : []));
  }
}

async function worldWith(
  clock: VirtualClock,
  ...names: readonly string[]
): Promise<{ readonly world: ReadWorld; readonly agents: readonly TestAgent[] }> {
  const world = new ReadWorld(clock);
  await world.deployment("web");
  for (const [index, name] of names.entries()) {
    await world.node(name);
    await world.container(`web.${index + 1}.${index + 1}`, { node: name });
  }
  return { world, agents: names.map((name) => world.agent(name)) };
}

const opened = (agent: TestAgent | undefined, count = 1): Promise<void> => expect.poll(() => agent?.openStreams).toBe(count);

test("the lines of all replicas come in the order of their times, with their replica, node and stream", async () => {
  const clock = new VirtualClock();
  const { world, agents } = await worldWith(clock, "n1", "n2");
  const reading = new Reading(world, { deployment: "web" });
  await Promise.all(agents.map((agent) => opened(agent)));
  await agents[1]?.lines([{ placementId: "web.2.2", atMs: 2, text: "two", stream: "stderr" }], { reason: "complete", message: "" });
  await agents[0]?.lines(
    [
      { placementId: "web.1.1", atMs: 1, text: "one" },
      { placementId: "web.1.1", atMs: 3, text: "three" },
    ],
    { reason: "complete", message: "" },
  );
  await expect.poll(() => reading.isOver).toBe(true);
  expect(reading.texts).toEqual(["one", "two", "three"]);
  expect(reading.items[2]?.data).toMatchObject({
    placementId: "web.2.2",
    deployment: "web",
    slot: 2,
    node: "n2",
    stream: "stderr",
    from: "container",
  });
  expect(reading.items.at(-1)?.data).toEqual({ kind: "end", reason: "complete" });
});

test("a node that does not answer is named, and the last lines kept of its replicas are given instead", async () => {
  const clock = new VirtualClock();
  const { world, agents } = await worldWith(clock, "n1");
  await world.node("n2");
  const lastExit = {
    attempt: 3,
    cause: "exited" as const,
    message: "",
    atMs: 9,
    exitCode: 3,
    lastLines: [{ stream: "stderr" as const, atMs: 8, text: "out of luck" }],
  };
  await world.container("web.2.2", { node: "n2", lastExit });
  const reading = new Reading(world, { deployment: "web" });
  await opened(agents[0]);
  await agents[0]?.lines([{ placementId: "web.1.1", atMs: 20, text: "fine" }], { reason: "complete", message: "" });
  await expect.poll(() => reading.isOver).toBe(true);
  expect(reading.notices).toEqual(["node n2 does not answer (no-responder); the logs of its replica are missing here"]);
  expect(reading.texts).toEqual(["out of luck", "fine"]);
  expect(reading.items.find(({ data }) => data.kind === "line")?.data).toMatchObject({ from: "kept", attempt: 3 });
});

test("while following, lines of nodes that differ in speed are put in order, and none waits for long", async () => {
  const clock = new VirtualClock();
  const { world, agents } = await worldWith(clock, "n1", "n2");
  const reading = new Reading(world, { deployment: "web", follow: true });
  await Promise.all(agents.map((agent) => opened(agent)));
  await agents[0]?.lines([{ placementId: "web.1.1", atMs: 50, text: "later" }]);
  await clock.advance(100);
  await agents[1]?.lines([{ placementId: "web.2.2", atMs: 40, text: "earlier" }]);
  await clock.advance(400);
  expect(reading.texts).toEqual(["earlier", "later"]);
});

test("replicas that appear while following are added, and the reading of those that went ends", async () => {
  const clock = new VirtualClock();
  const { world, agents } = await worldWith(clock, "n1");
  const reading = new Reading(world, { deployment: "web", follow: true });
  await opened(agents[0]);
  await world.node("n2");
  const second = world.agent("n2");
  await world.container("web.1.9", { phase: "requested", health: "none" });
  await clock.advance(1_000);
  await world.container("web.1.9", { node: "n2" });
  await clock.until("the new replica is read", () => second.openStreams === 1);
  await second.lines([{ placementId: "web.1.9", atMs: 5, text: "new here" }]);
  await clock.until("its line is passed on", () => reading.texts.includes("new here"));
  await world.delete("container", "web.1.1");
  await clock.until("the old one is not read any more", () => agents[0]?.requests.some(({ kind }) => kind === "close-stream") === true);
  expect(reading.isOver).toBe(false);
  await world.delete("container", "web.1.9");
  await world.delete("deployment", "web");
  await clock.until("the reading ends with its deployment", () => reading.isOver);
  expect(reading.items.at(-1)?.data).toEqual({ kind: "end", reason: "deleted" });
});

test("a stream is kept alive, and closed when the reader goes", async () => {
  const clock = new VirtualClock();
  const { world, agents } = await worldWith(clock, "n1");
  const reading = new Reading(world, { deployment: "web", follow: true, tail: 5, streams: ["stderr"] });
  await opened(agents[0]);
  expect(agents[0]?.requests[0]).toMatchObject({ kind: "logs", placementIds: ["web.1.1"], follow: true, tail: 5, streams: ["stderr"] });
  await clock.advance(35_000);
  expect(agents[0]?.requests.filter(({ kind }) => kind === "keep-stream").length).toBe(3);
  reading.close();
  await expect.poll(() => agents[0]?.requests.at(-1)?.kind).toBe("close-stream");
  await expect.poll(() => reading.isOver).toBe(true);
});

test("when an agent goes and comes back, its logs go on where they stopped, without doubles", async () => {
  const clock = new VirtualClock();
  const { world, agents } = await worldWith(clock, "n1");
  const reading = new Reading(world, { deployment: "web", follow: true });
  await opened(agents[0]);
  await agents[0]?.lines([
    { placementId: "web.1.1", atMs: 10, text: "before" },
    { placementId: "web.1.1", atMs: 11, text: "last" },
  ]);
  await clock.advance(1_000);
  await agents[0]?.leave();
  await clock.until("its absence is said", () => reading.notices.length === 1);
  const again = world.agent("n1");
  await clock.until("it is read again", () => again.openStreams === 1);
  expect(again.requests[0]).toMatchObject({ sinceMs: 11 });
  await again.lines([
    { placementId: "web.1.1", atMs: 11, text: "last" },
    { placementId: "web.1.1", atMs: 11, text: "of the same time" },
    { placementId: "web.1.1", atMs: 12, text: "after" },
  ]);
  await clock.advance(1_000);
  expect(reading.texts).toEqual(["before", "last", "of the same time", "after"]);
  expect(reading.notices).toEqual([expect.stringContaining("does not answer"), "node n1 answers again; its logs go on"]);
});

test("a question about a stream that ended meanwhile says nothing about the one that followed it", async () => {
  const clock = new VirtualClock();
  const { world, agents } = await worldWith(clock, "n1");
  const [agent] = agents;
  if (agent === undefined) throw new Error("there is no agent");
  agent.answer = (request) => (request.kind === "keep-stream" ? new Promise(() => undefined) : undefined);
  const reading = new Reading(world, { deployment: "web", follow: true });
  await opened(agent);
  const asked = (kind: string): number => agent.requests.filter((request) => request.kind === kind).length;
  await clock.until("the agent is asked about its stream", () => asked("keep-stream") === 1);
  agent.answer = undefined;
  await agent.lines([], { reason: "complete", message: "" });
  await clock.until("it is read again", () => asked("logs") === 2);
  await clock.until("the next question about it is answered", () => asked("keep-stream") === 2);
  expect(reading.notices).toEqual([]);
  expect(asked("logs")).toBe(2);
});

test("lines that were lost on the way or left out are said", async () => {
  const clock = new VirtualClock();
  const { world, agents } = await worldWith(clock, "n1");
  const reading = new Reading(world, { deployment: "web", follow: true });
  await opened(agents[0]);
  agents[0]?.skip();
  await agents[0]?.lines([{ placementId: "web.1.1", atMs: 10, text: "x" }]);
  await clock.advance(1_000);
  expect(reading.notices).toEqual(["some lines were lost on the way from node n1"]);
});

test("a reader who takes nothing for long is told of a bounded number of things, and how many more there were", async () => {
  const { world, agents } = await worldWith(new VirtualClock(), "n1");
  const source = world.open("containers.logs", { deployment: "web", follow: true }, undefined);
  ends.push(() => void source.return?.());
  await source.next();
  const next = source.next();
  await opened(agents[0]);
  for (let count = 0; count < 3_000; count += 1) {
    agents[0]?.skip();
    await agents[0]?.lines([]);
  }
  const items = [await next];
  while (items.length < 1_002) items.push(await source.next());
  const messages = items.flatMap(({ value }) => ((value as StreamItem).data as LogItem & { readonly message?: string }).message ?? []);
  expect(messages.at(-1)).toMatch(/^\d+ further notices were left out: they came faster than they were taken$/);
});

test("a reader who comes back with the id of a line gets those after it", async () => {
  const clock = new VirtualClock();
  const { world, agents } = await worldWith(clock, "n1");
  const lines = ["a", "b", "c", "d"].map((text, index) => ({ placementId: "web.1.1", atMs: index < 3 ? 7 : 8, text }));
  const first = new Reading(world, { deployment: "web" });
  await opened(agents[0]);
  await agents[0]?.lines(lines, { reason: "complete", message: "" });
  await expect.poll(() => first.isOver).toBe(true);
  const idOfB = first.items.find(({ data }) => data.kind === "line" && data.text === "b")?.id;
  const second = new Reading(world, { deployment: "web", tail: 1 }, idOfB);
  await opened(agents[0]);
  expect(agents[0]?.requests.at(-1)).toMatchObject({ kind: "logs", sinceMs: 7 });
  expect(agents[0]?.requests.at(-1)).not.toHaveProperty("tail");
  await agents[0]?.lines(lines, { reason: "complete", message: "" });
  await expect.poll(() => second.isOver).toBe(true);
  expect(second.texts).toEqual(["c", "d"]);
});

test("logs of what does not exist are refused", async () => {
  const world = new ReadWorld(new VirtualClock());
  await world.deployment("webshop");
  const missing = await world.open("containers.logs", { deployment: "webshp" }).next();
  expect(missing.value).toMatchObject({ data: { kind: "refusal", code: "deployment.not-found" } });
});
