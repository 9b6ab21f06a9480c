import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LABEL } from "../../agent/labels.ts";
import { NODE, NodeUnderTest, TENANT } from "./node-under-test.ts";

let node: NodeUnderTest;
beforeEach(async () => {
  node = new NodeUnderTest();
  await node.start();
});
afterEach(() => node.stop());

describe("an assignment", () => {
  test("is on the disk before it is accepted", async () => {
    const placement = await node.placement();
    expect(await node.assign(placement)).toEqual({ kind: "accepted", epoch: 1, number: 1 });
    expect(await node.disk.read("assignment.json")).toContain("web.1.1");
  });

  test("that does not fit on the disk is not accepted, and nothing is done about it", async () => {
    const placement = await node.placement();
    node.disk.fill();
    expect(await node.assign(placement)).toMatchObject({ kind: "not-stored" });
    await node.clock.advance(5_000);
    expect(node.containers()).toEqual([]);
    node.disk.free();
    expect(await node.assign(placement)).toMatchObject({ kind: "accepted" });
    await node.untilHealthy();
  });

  test("older than the one at hand is refused, and the same again changes nothing", async () => {
    const placement = await node.placement();
    const newer = node.assignment([placement], { epoch: 2, number: 5 });
    await node.request(newer);
    await node.untilHealthy();
    expect(await node.request({ ...newer, number: 4, placements: [] })).toEqual({ kind: "stale", epoch: 2, number: 5 });
    expect(await node.request({ ...newer, epoch: 1, number: 99, placements: [] })).toEqual({ kind: "stale", epoch: 2, number: 5 });
    expect(await node.request(newer)).toEqual({ kind: "accepted", epoch: 2, number: 5 });
    await node.clock.advance(5_000);
    expect(node.status()).toMatchObject({ attempt: 1, current: { phase: "running" } });
  });

  test("for another node or tenant is refused", async () => {
    const placement = await node.placement();
    expect(await node.request(node.assignment([placement], { node: "n2" }))).toMatchObject({ kind: "refusal", code: "agent.other-node" });
    expect(await node.request(node.assignment([placement], { tenant: "other" }))).toMatchObject({
      kind: "refusal",
      code: "agent.other-node",
    });
  });

  test("in an actor's envelope is answered in an actor's envelope", async () => {
    const meta = { commandId: "c1", principal: { kind: "system", id: "node", role: "system" }, via: "system", correlationId: "c1" };
    const answer = await node.request({ envelope: { message: node.assignment([]), meta } });
    expect(answer).toEqual({ kind: "reply", reply: { kind: "ok", value: { kind: "accepted", epoch: 1, number: 1 } } });
  });

  test("that makes no sense is refused in words", async () => {
    expect(await node.request({ kind: "assignment" })).toMatchObject({ kind: "refusal", code: "message.malformed" });
  });
});

describe("a placement that should stop", () => {
  test("drains, stops, tells its evidence, and is forgotten once it is no longer assigned", async () => {
    const placement = await node.placement();
    await node.assign(placement);
    await node.untilHealthy();
    await node.assign({ ...placement, desired: "stopped" });
    await node.untilPhase("stopped");
    await node.clock.advance(1_000);
    expect(node.history.map((status) => status.current.phase)).toContain("draining");
    expect(node.status()).toMatchObject({ restarts: 0, lastExit: { cause: "requested", attempt: 1 } });
    expect(node.status()?.failure).toBeUndefined();
    expect(node.status()?.lastExit?.lastLines.length).toBeGreaterThan(0);
    expect(node.containers()).toEqual([]);
    expect(node.running?.agent.record("web.1.1")).toBeDefined();
    await node.assign();
    await node.clock.advance(1_000);
    expect(node.running?.agent.record("web.1.1")).toBeUndefined();
    expect(await node.disk.names()).toEqual(["assignment.json"]);
  });

  test("while its image is still being pulled stops at once", async () => {
    const placement = await node.placement({ image: "sim/slowpull:1" });
    await node.assign(placement);
    await node.untilPhase("pulling");
    await node.assign({ ...placement, desired: "stopped" });
    await node.clock.until("it is stopped", () => node.status()?.current.phase === "stopped", 1_000);
  });

  test("and ignores its stop signal is killed after its grace", async () => {
    const placement = await node.placement({ image: "sim/stubborn:1", template: { stopGraceMs: 2_000 } });
    await node.assign(placement);
    await node.untilHealthy();
    const before = node.clock.monotonicMs();
    await node.assign({ ...placement, desired: "stopped" });
    await node.untilPhase("stopped");
    expect(node.clock.monotonicMs() - before).toBeGreaterThanOrEqual(2_000);
    expect(node.status()).toMatchObject({ lastExit: { cause: "requested", exitCode: 137 } });
  });

  test("simply dropped from the assignment is stopped and removed", async () => {
    await node.assign(await node.placement());
    await node.untilHealthy();
    await node.assign();
    await node.clock.advance(5_000);
    expect(node.containers()).toEqual([]);
    expect(node.running?.agent.records()).toEqual([]);
  });
});

describe("an agent that starts again", () => {
  test("adopts its containers and goes on counting where it was", async () => {
    await node.assign(await node.placement());
    await node.untilHealthy();
    node.engine.killProcess(node.containerId());
    await node.untilHealthy("web.1.1", 2);
    await node.clock.advance(1_000);
    const before = node.status();
    await node.stop();
    await node.start();
    await node.clock.advance(3_000);
    expect(node.status()).toMatchObject({ attempt: 2, restarts: 1, current: before?.current, lastExit: before?.lastExit });
    expect(node.status()?.sequence).toBeGreaterThan(before?.sequence ?? 0);
    expect(node.containers()).toHaveLength(1);
  });

  test("works on from its disk while the control plane is away", async () => {
    await node.assign(await node.placement());
    await node.untilHealthy();
    const containerId = node.containerId();
    await node.stop();
    node.welcome = undefined;
    node.engine.killProcess(containerId);
    await node.start();
    await node.clock.advance(5_000);
    expect(node.containers()).toMatchObject([{ name: "ody-acme-web-1-1-2", state: "running" }]);
    node.welcome = { kind: "welcome", epoch: 1, assignment: 1, resync: false };
    await node.untilHealthy("web.1.1", 2);
    expect(node.status()).toMatchObject({ restarts: 1, lastExit: { attempt: 1, exitCode: 137 } });
  });

  test("and has lost its disk adopts by the labels alone once it is told its assignment again", async () => {
    const placement = await node.placement();
    await node.assign(placement);
    await node.untilHealthy();
    node.engine.killProcess(node.containerId());
    await node.untilHealthy("web.1.1", 2);
    await node.clock.advance(1_000);
    const containerId = node.containerId();
    await node.stop();
    for (const name of await node.disk.names()) await node.disk.remove(name);
    await node.start();
    await node.clock.advance(60_000);
    expect(node.containers()).toMatchObject([{ containerId, state: "running" }]);
    await node.assign(placement);
    await node.untilHealthy("web.1.1", 2);
    expect(node.containerId()).toBe(containerId);
  });

  test("finds half a file on its disk and says so instead of failing", async () => {
    await node.assign(await node.placement());
    await node.untilHealthy();
    await node.stop();
    await node.disk.write("placement-web.1.1.json", '{"placementId":"we');
    await node.start();
    await node.clock.advance(3_000);
    expect(node.status()).toMatchObject({ attempt: 1, current: { phase: "running" } });
    expect(node.containers()).toHaveLength(1);
  });
});

describe("a container the assignment does not know", () => {
  const container = {
    name: "stray",
    entrypoint: undefined,
    command: undefined,
    environment: {},
    ports: [],
    cpuLimitMillis: undefined,
    memoryLimitBytes: undefined,
    user: undefined,
    workingDirectory: undefined,
    stopSignal: "SIGTERM",
    stopGraceMs: 1_000,
    hostname: "stray",
    mounts: [],
    networks: [],
    settings: {},
    limits: {},
  };
  const ours = {
    [LABEL.tenant]: TENANT,
    [LABEL.node]: NODE,
    [LABEL.placement]: "old.1.1",
    [LABEL.attempt]: "1",
    [LABEL.epoch]: "1",
    [LABEL.generation]: "1",
  };

  async function stray(labels: Readonly<Record<string, string>>): Promise<string> {
    const ids: string[] = [];
    const image = await node.image("app:1");
    void node.engine
      .pull(image, () => undefined, new AbortController().signal)
      .then(() => node.engine.create({ ...container, image, labels }))
      .then(async (id) => {
        await node.engine.start(id);
        ids.push(id);
      });
    await node.clock.until("the stray runs", () => ids.length === 1);
    return ids[0] ?? "";
  }
  const states = () => node.engine.containers().map((other) => other.state);

  test("is left alone before any assignment is known", async () => {
    await stray(ours);
    await node.clock.advance(120_000);
    expect(states()).toEqual(["running"]);
  });

  test("is stopped and removed once an assignment is", async () => {
    await stray(ours);
    await node.assign();
    await node.clock.advance(10_000);
    expect(states()).toEqual([]);
  });

  test("is left alone when it was made for a newer assignment", async () => {
    await stray({ ...ours, [LABEL.epoch]: "9" });
    await node.assign();
    await node.clock.advance(60_000);
    expect(states()).toEqual(["running"]);
  });

  test.each([
    ["another tenant's", { ...ours, [LABEL.tenant]: "other" }],
    ["another node's", { ...ours, [LABEL.node]: "n2" }],
    ["nobody's", {}],
  ])("is never touched when it is %s", async (_whose, labels) => {
    await stray(labels);
    await node.assign(await node.placement());
    await node.untilHealthy();
    await node.assign();
    await node.clock.advance(60_000);
    expect(states()).toEqual(["running"]);
  });
});
