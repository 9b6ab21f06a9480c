import { afterEach, describe, expect, test } from "vitest";
import { NodeUnderTest } from "./node-under-test.ts";

let node: NodeUnderTest;
afterEach(() => node.stop());

async function nodeWith(image: string, template: object): Promise<void> {
  node = new NodeUnderTest();
  await node.start();
  await node.assign(await node.placement({ image, template }));
}

const ended = (): Promise<void> => node.untilPhase("ended");

describe("a replica whose process ends", () => {
  test("with exit code 0 has completed when it is a job, is not started again, and its container is gone", async () => {
    await nodeWith("sim/job:500", { run: "job", restart: { condition: "on-failure" } });
    await ended();
    await node.clock.advance(120_000);
    expect(node.status()).toMatchObject({
      current: { phase: "ended", outcome: "succeeded" },
      attempt: 1,
      restarts: 0,
      lastExit: { exitCode: 0 },
    });
    expect(node.status()?.failure).toBeUndefined();
    expect(node.containers()).toEqual([]);
  });

  test("otherwise is tried so often as its policy says, and then given up", async () => {
    await nodeWith("sim/crash:3", { restart: { condition: "on-failure", maxAttempts: 2 } });
    await ended();
    expect(node.status()).toMatchObject({
      current: { outcome: "failed" },
      attempt: 3,
      restarts: 3,
      failure: { code: "exited" },
      lastExit: { exitCode: 3 },
    });
  });

  test("is never started again when its policy says so", async () => {
    await nodeWith("sim/crash:3", { restart: { condition: "none" } });
    await ended();
    expect(node.status()).toMatchObject({ current: { outcome: "failed" }, attempt: 1 });
  });

  test("stays ended when the agent is started anew", async () => {
    await nodeWith("sim/job:500", { run: "job", restart: { condition: "none" } });
    await ended();
    await node.stop();
    await node.start();
    await node.clock.advance(10_000);
    expect(node.status()).toMatchObject({ current: { phase: "ended", outcome: "succeeded" }, attempt: 1 });
  });
});
