import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { wholeMessages } from "../../actors/node/assignment-messages.ts";
import type { LogChunk } from "../../actors/node/contract.ts";
import { MAX_PLACEMENTS_PER_NODE } from "../../actors/node/assignment-contract.ts";
import { MAX_TOLD_IMAGES } from "../../actors/node/images-contract.ts";
import { encodePayload } from "../../runtime/payload.ts";
import { NODE, NodeUnderTest, TENANT } from "./node-under-test.ts";

let node: NodeUnderTest;
beforeEach(async () => {
  node = new NodeUnderTest();
  await node.start();
});
afterEach(() => node.stop());

const heartbeats = () => node.messages.filter((message) => message.kind === "agent.heartbeat");
const hellos = () => node.messages.filter((message) => message.kind === "agent.hello");

describe("what the control plane is told", () => {
  test("begins with everything: facts and all statuses", async () => {
    await node.clock.until("it said hello", () => hellos().length > 0);
    expect(hellos()[0]).toMatchObject({
      engine: "reachable",
      facts: { hostname: "host-1", engineVersion: "28.0.0", arch: "amd64", degraded: [] },
    });
  });

  test("is a heartbeat every five seconds, with samples of the node and its containers", async () => {
    await node.assign(await node.placement());
    await node.untilHealthy();
    const from = heartbeats().length;
    await node.clock.advance(50_000);
    expect(heartbeats().length - from).toBeGreaterThanOrEqual(9);
    expect(heartbeats().length - from).toBeLessThanOrEqual(12);
    const last = heartbeats().at(-1);
    const sequence = node.status()?.sequence;
    expect(last).toMatchObject({
      digest: { count: 1, sequences: sequence },
      sample: { containers: 1 },
      containers: [{ placementId: "web.1.1" }],
    });
    expect(last?.containers[0]?.cpuUsedMillis).toBeGreaterThan(0);
  });

  test("is everything again after the control plane was away, and nothing was waited for meanwhile", async () => {
    node.welcome = undefined;
    await node.assign(await node.placement());
    await node.clock.advance(20_000);
    expect(node.containers()).toMatchObject([{ state: "running" }]);
    const from = hellos().length;
    node.welcome = { kind: "welcome", epoch: 1, assignment: 1, resync: false };
    await node.clock.until("it said hello", () => hellos().length > from, 5_000);
    expect(node.status()).toMatchObject({ current: { phase: "running" } });
  });

  test("is everything again when the node actor asks for it", async () => {
    await node.clock.advance(1_000);
    const from = hellos().length;
    node.welcome = { kind: "welcome", epoch: 1, assignment: 0, resync: true };
    await node.clock.until("a heartbeat was answered", () => hellos().length > from, 10_000);
    node.welcome = { kind: "welcome", epoch: 1, assignment: 0, resync: false };
  });

  test("is that the engine is away, and that it is back", async () => {
    node.engine.crash();
    await node.clock.until("it is told", () => hellos().at(-1)?.engine === "unreachable", 5_000);
    node.engine.restart();
    await node.clock.until("it is told", () => hellos().at(-1)?.engine === "reachable", 10_000);
  });

  test("is told of as many containers as a node may have, in messages that each can be sent", async () => {
    const use = { cpuUsedMillis: 123_456.789, memoryUsedBytes: 12_345_678_901, memoryLimitBytes: 12_345_678_901, pids: 12_345 };
    const sample = { ...use, rxBytes: 1_234_567_890_123, txBytes: 1_234_567_890_123, atMs: 1_234_567_890_123 };
    const containers = Array.from({ length: MAX_PLACEMENTS_PER_NODE }, (_, index) => ({
      ...sample,
      placementId: `a-service-of-many.${index}.12`,
    }));
    expect(() => encodePayload("ody.acme.node.n1", { kind: "agent.heartbeat", containers })).not.toThrow();

    const placements = await Promise.all(
      Array.from({ length: MAX_PLACEMENTS_PER_NODE }, (_, index) =>
        node.placement({ id: `web.${index + 1}.1`, image: "sim/crash:1", template: { environment: { SIM_LOG_EVERY_MS: "20" } } }),
      ),
    );
    for (const message of wholeMessages(node.assignment(placements))) await node.request(message);
    await node.clock.until(
      "all have died and been told",
      () => node.history.filter(({ lastExit }) => lastExit !== undefined).length >= MAX_PLACEMENTS_PER_NODE,
      600_000,
    );
    const from = node.messages.length;
    const before = hellos().length;
    node.welcome = { kind: "welcome", epoch: 1, assignment: 1, resync: true };
    await node.clock.until("a heartbeat was answered", () => hellos().length > before, 10_000);
    node.welcome = { kind: "welcome", epoch: 1, assignment: 1, resync: false };
    await node.clock.until("all are told again", () => node.told.size === MAX_PLACEMENTS_PER_NODE, 60_000);
    expect(JSON.stringify([...node.told.values()]).length).toBeGreaterThan(1_048_576);
    for (const message of node.messages.slice(from)) expect(() => encodePayload("ody.acme.node.n1", message)).not.toThrow();
  });

  test("counts every change of a placement once", async () => {
    await node.assign(await node.placement());
    await node.untilHealthy();
    const sequences = node.history.map((status) => status.sequence);
    expect(sequences).toEqual([...new Set(sequences)].toSorted((one, other) => one - other));
  });
});

describe("the images of the engine", () => {
  const told = () => node.messages.flatMap((message) => (message.kind === "agent.images" ? [message] : []));
  const names = () =>
    told()
      .at(-1)
      ?.told.images.flatMap(({ references }) => references);
  const untilTold = (what: string, holds: () => boolean) => node.clock.until(what, holds, 5_000);
  const knows = (images: string | undefined): void => {
    node.welcome = { kind: "welcome", epoch: 1, assignment: 1, resync: false, ...(images !== undefined && { images }) };
  };

  test("are told soon after one came, and after one was removed behind our back", async () => {
    await untilTold("there is none yet", () => names()?.length === 0);
    const placement = await node.placement();
    const { digest } = placement.template.image;
    await node.assign(placement);
    await untilTold("it came", () => names()?.includes(`app@${digest}`) === true);
    node.engine.removeImageBehindOurBack(digest);
    await untilTold("it went", () => names()?.length === 0);
  });

  test("are told once, and again only to a control plane that knows others", async () => {
    node.engine.loadImage("mine:1");
    await untilTold("they are told", () => names()?.includes("mine:1") === true);
    knows(told().at(-1)?.seen.version);
    const before = told().length;
    await node.clock.advance(60_000);
    expect(told().length).toBe(before);
    expect(heartbeats().at(-1)?.images).toMatchObject({ version: told().at(-1)?.seen.version });
    knows(undefined);
    await node.clock.until("they are told again", () => told().length > before, 6_000);
  });

  test("have an age that grows while the engine does not answer", async () => {
    const age = () => heartbeats().at(-1)?.images?.ageMs ?? 0;
    await node.clock.advance(40_000);
    expect(age()).toBeLessThan(31_000);
    node.engine.crash();
    await node.clock.advance(120_000);
    expect(age()).toBeGreaterThan(100_000);
    node.engine.restart();
    await node.clock.until("it has answered", () => age() < 10_000, 20_000);
  });

  test("are told as far as one message goes: the largest, and how many more there are", async () => {
    for (let number = 0; number < MAX_TOLD_IMAGES + 7; number += 1) node.engine.loadImage(`mine:${number}`);
    const placement = await node.placement({ image: "sim/slowpull:1" });
    await node.assign(placement);
    await node.clock.until("the largest is there", () => names()?.[0] === `sim/slowpull@${placement.template.image.digest}`, 120_000);
    expect(told().at(-1)?.told).toMatchObject({ leftOut: 8 });
    expect(names()).toHaveLength(MAX_TOLD_IMAGES);
    const name = "n".repeat(2_000);
    for (let number = 0; number < 200; number += 1) node.engine.loadImage(`${name}:${number}`);
    await untilTold("they are told", () => (told().at(-1)?.told.leftOut ?? 0) >= 208);
    for (const message of told()) expect(() => encodePayload("ody.acme.node.n1", message)).not.toThrow();
  });
});

describe("logs", () => {
  const chunks: LogChunk[] = [];
  const lines = () => chunks.flatMap((chunk) => chunk.lines);
  const end = () => chunks.at(-1)?.end;
  beforeEach(() => {
    chunks.length = 0;
    node.bus.subscribe(`ody.${TENANT}.stream.${NODE}.s1`, (chunk) => chunks.push(chunk as LogChunk));
  });
  const open = (change: object = {}) =>
    node.request({ kind: "logs", streamId: "s1", placementIds: ["web.1.1"], follow: false, streams: ["stdout", "stderr"], ...change });

  test("of a running container are sent and end", async () => {
    await node.assign(await node.placement());
    await node.untilHealthy();
    await node.clock.advance(20_000);
    expect(await open()).toEqual({ kind: "opened", streamId: "s1" });
    await node.clock.until("they end", () => end() !== undefined);
    expect(end()).toMatchObject({ reason: "complete" });
    expect(lines().length).toBeGreaterThan(2);
    expect(lines()[0]).toMatchObject({ placementId: "web.1.1", attempt: 1 });
    expect(chunks.map((chunk) => chunk.number)).toEqual(chunks.map((_chunk, index) => index));
  });

  test("are followed into the next attempt, until the stream is closed", async () => {
    await node.assign(await node.placement());
    await node.untilHealthy();
    await open({ follow: true });
    node.engine.killProcess(node.containerId());
    await node.untilHealthy("web.1.1", 2);
    await node.clock.until("the next attempt is heard", () => lines().some((line) => line.attempt === 2), 10_000);
    await node.request({ kind: "close-stream", streamId: "s1" });
    await node.clock.until("it ends", () => end() !== undefined);
    expect(end()).toMatchObject({ reason: "closed" });
  });

  test.each([undefined, 0])(
    "are followed on when the engine was away and the container was not, also without their past (%s)",
    async (tail) => {
      await node.assign(await node.placement());
      await node.untilHealthy();
      await node.clock.advance(20_000);
      await open({ follow: true, ...(tail !== undefined && { tail }) });
      if (tail === undefined) await node.clock.until("it is read", () => lines().length > 0);
      node.engine.crash();
      await node.clock.advance(5_000);
      node.engine.restart("survive");
      const from = lines().length;
      await node.clock.until("it goes on", () => lines().length > from + 3, 20_000);
      expect(end()).toBeUndefined();
      const texts = lines().map(({ text }) => text);
      expect(texts).toEqual([...new Set(texts)]);
      const numbers = texts.flatMap((text) => /^request (\d+) /.exec(text)?.[1] ?? []).map(Number);
      expect(numbers).toEqual(numbers.map((_number, index) => (numbers[0] ?? 0) + index));
      await node.request({ kind: "close-stream", streamId: "s1" });
    },
  );

  test("nobody renews end", async () => {
    await node.assign(await node.placement());
    await node.untilHealthy();
    await open({ follow: true });
    await node.clock.advance(20_000);
    await node.request({ kind: "keep-stream", streamId: "s1" });
    await node.clock.advance(20_000);
    expect(end()).toBeUndefined();
    await node.clock.advance(15_000);
    expect(end()).toMatchObject({ reason: "closed" });
  });

  test("of an attempt whose container is gone are its evidence", async () => {
    await node.assign(await node.placement({ image: "sim/crash:3" }));
    await node.clock.until(
      "its containers are gone",
      () => node.status()?.current.phase === "backing-off" && node.containers().length === 0,
      60_000,
    );
    await open();
    await node.clock.until("they end", () => end() !== undefined, 500);
    expect(lines().length).toBeGreaterThan(0);
  });

  test("of a placement this node does not have end at once", async () => {
    await open({ placementIds: ["other.1.1"] });
    await node.clock.until("they end", () => end() !== undefined);
    expect(end()).toMatchObject({ reason: "container-gone" });
  });
});

describe("a question of the control plane", () => {
  test("which image a reference is now is answered with its digest and platforms", async () => {
    const image = await node.image("app:1");
    expect(await node.request({ kind: "resolve-image", reference: "app:1" })).toMatchObject({
      kind: "resolved",
      image: { digest: image.digest },
    });
    expect(await node.request({ kind: "resolve-image", reference: "sim/missing:1" })).toMatchObject({
      kind: "failed",
      failure: { code: "image.not-found" },
    });
    expect(await node.request({ kind: "resolve-image", reference: "app:1", pull: "never" })).toMatchObject({
      kind: "failed",
      failure: { code: "image.not-found", message: expect.stringContaining("is not on this node") },
    });
    const id = node.engine.loadImage("mine:1");
    expect(await node.request({ kind: "resolve-image", reference: "mine:1", pull: "never" })).toMatchObject({
      kind: "resolved",
      image: { reference: "mine:1", digest: id, source: "node" },
    });
  });

  test("what containers use is answered with samples", async () => {
    await node.assign(await node.placement());
    await node.untilHealthy();
    expect(await node.request({ kind: "stats", placementIds: ["web.1.1", "other.1.1"] })).toMatchObject({
      kind: "stats",
      samples: [{ placementId: "web.1.1" }],
    });
  });
});
