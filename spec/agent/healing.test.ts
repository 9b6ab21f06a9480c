import { afterEach, describe, expect, test } from "vitest";
import { NodeUnderTest } from "./node-under-test.ts";

let node: NodeUnderTest;
afterEach(() => node.stop());

async function nodeWith(change: Parameters<NodeUnderTest["placement"]>[0] = {}): Promise<NodeUnderTest> {
  node = new NodeUnderTest();
  await node.start();
  await node.assign(await node.placement(change));
  return node;
}

describe("a placement that should run", () => {
  test("is pulled, started, and told as running and healthy", async () => {
    await nodeWith();
    await node.untilHealthy();
    expect(node.history.map((status) => status.current.phase)).toEqual(
      expect.arrayContaining(["accepted", "pulling", "starting", "running"]),
    );
    expect(node.status()).toMatchObject({ attempt: 1, restarts: 0 });
    expect(node.containers()).toMatchObject([{ name: "ody-acme-web-1-1-1", state: "running" }]);
  });

  test("whose process is killed runs again at once, counted once, with evidence after its container is gone", async () => {
    await nodeWith();
    await node.untilHealthy();
    const before = node.clock.monotonicMs();
    node.engine.killProcess(node.containerId());
    await node.untilHealthy("web.1.1", 2);
    expect(node.clock.monotonicMs() - before).toBeLessThan(300);
    await node.clock.advance(1_000);
    expect(node.status()).toMatchObject({ attempt: 2, restarts: 1, lastExit: { attempt: 1, cause: "killed", exitCode: 137 } });
    expect(node.status()?.lastExit?.lastLines.length).toBeGreaterThan(0);
    expect(node.containers()).toMatchObject([{ name: "ody-acme-web-1-1-2", state: "running" }]);
  });

  test.each([
    ["removed", (containerId: string) => node.engine.removeBehindOurBack(containerId)],
    ["stopped", (containerId: string) => node.engine.stopBehindOurBack(containerId)],
    ["oom", (containerId: string) => node.engine.killForMemory(containerId)],
    ["changed", (containerId: string) => node.engine.editBehindOurBack(containerId, 64 * 1024 * 1024)],
  ] as const)("and is %s behind our back is replaced and counted once", async (cause, act) => {
    await nodeWith();
    await node.untilHealthy();
    act(node.containerId());
    await node.untilHealthy("web.1.1", 2);
    await node.clock.advance(120_000);
    expect(node.status()).toMatchObject({ attempt: 2, restarts: 1, lastExit: { attempt: 1, cause } });
    expect(node.containers()).toHaveLength(1);
  });

  test("and is paused behind our back goes on in the same container, counted once", async () => {
    await nodeWith();
    await node.untilHealthy();
    const containerId = node.containerId();
    node.engine.pauseBehindOurBack(containerId);
    await node.clock.until("it is unpaused", () => node.status()?.restarts === 1);
    // Docker tells some pauses a second time, after they are over: for too short a time to act on it, or long enough.
    node.engine.echoPause(containerId, 1);
    await node.clock.advance(60_000);
    node.engine.echoPause(containerId, 20);
    await node.clock.advance(60_000);
    expect(node.status()).toMatchObject({
      attempt: 1,
      restarts: 1,
      lastExit: { cause: "paused" },
      current: { phase: "running", containerId },
    });
    expect(node.containers()).toMatchObject([{ state: "running" }]);
  });

  test("survives an engine restart in the same container when the engine leaves containers alone", async () => {
    await nodeWith();
    await node.untilHealthy();
    const containerId = node.containerId();
    node.engine.crash();
    await node.clock.advance(3_000);
    node.engine.restart("survive");
    await node.clock.advance(60_000);
    expect(node.status()).toMatchObject({ attempt: 1, restarts: 0, current: { phase: "running", containerId } });
  });

  test("is replaced once after an engine restart that ended its container", async () => {
    await nodeWith();
    await node.untilHealthy();
    node.engine.crash();
    await node.clock.advance(3_000);
    node.engine.restart("stopped");
    await node.untilHealthy("web.1.1", 2);
    await node.clock.advance(120_000);
    expect(node.status()).toMatchObject({ attempt: 2, restarts: 1, lastExit: { attempt: 1, cause: "lost" } });
    expect(node.containers()).toHaveLength(1);
  });

  test("crash after crash waits longer each time, and says when the next attempt is", async () => {
    await nodeWith({ image: "sim/crash:3" });
    await node.untilPhase("backing-off");
    const first = node.status();
    expect(first).toMatchObject({ lastExit: { cause: "exited", exitCode: 3 }, failure: { code: "exited" } });
    await node.clock.advance(120_000);
    const attempts = node.status()?.attempt ?? 0;
    // 1 s of life each, and pauses of 0, 1, 2, 4, 8, 16, 32 s less up to a quarter.
    expect(attempts).toBeGreaterThanOrEqual(7);
    expect(attempts).toBeLessThanOrEqual(9);
    expect(node.containers().length).toBeLessThanOrEqual(2);
  });

  test("that was healthy for a minute is restarted at once again", async () => {
    await nodeWith();
    await node.untilHealthy();
    node.engine.killProcess(node.containerId());
    await node.untilHealthy("web.1.1", 2);
    await node.clock.advance(61_000);
    const before = node.clock.monotonicMs();
    node.engine.killProcess(node.containerId());
    await node.untilHealthy("web.1.1", 3);
    expect(node.clock.monotonicMs() - before).toBeLessThan(300);
  });
});
