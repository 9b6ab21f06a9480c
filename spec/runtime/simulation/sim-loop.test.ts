import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MemoryBroker } from "../../../runtime/memory-bus.ts";
import { FaultyNetwork } from "../../../runtime/simulation/faulty-network.ts";
import { SimLoop } from "../../../runtime/simulation/sim-loop.ts";
import { SimProcess } from "../../../runtime/simulation/sim-process.ts";

describe("virtual time", () => {
  test("brings what is due in the order of time, then of asking", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 100 }), async (delays) => {
        const loop = new SimLoop(1);
        const seen: (readonly [number, number])[] = [];
        for (const [index, delay] of delays.entries()) loop.after(delay, () => seen.push([loop.nowMs, index]));
        await loop.run(100);
        expect(seen).toEqual(delays.map((delay, index) => [delay, index] as const).toSorted((a, b) => a[0] - b[0] || a[1] - b[1]));
      }),
    );
  });

  test("lets promises finish before the next thing happens", async () => {
    const loop = new SimLoop(1);
    const seen: string[] = [];
    loop.after(1, () => {
      void (async () => {
        for (let hop = 0; hop < 50; hop += 1) await Promise.resolve();
        seen.push("promise");
      })();
    });
    loop.after(1, () => seen.push("next"));
    await loop.run(1);
    expect(seen).toEqual(["promise", "next"]);
  });

  test("ends what a killed process had started, and names the seed when something never happens", async () => {
    const loop = new SimLoop(42);
    const process = new SimProcess(loop, "p");
    let isRung = false;
    process.clock.after(10, () => {
      isRung = true;
    });
    process.kill();
    await expect(loop.runUntil(() => isRung, 1_000)).rejects.toThrow("seed 42");
  });
});

describe("the network of the simulation", () => {
  function world(seed: number) {
    const loop = new SimLoop(seed);
    const network = new FaultyNetwork(loop);
    const clock = new SimProcess(loop, "broker").clock;
    const broker = new MemoryBroker(clock, network);
    const [left, right] = [broker.connect("left"), broker.connect("right")];
    const heard: number[] = [];
    right.subscribe("ody.acme.test", (payload) => heard.push(payload as number));
    return { loop, network, left, right, heard };
  }
  const COUNT = 200;
  const shout = (bus: { publish(subject: string, payload: unknown): void }): void => {
    for (let number = 0; number < COUNT; number += 1) bus.publish("ody.acme.test", number);
  };

  test("loses, doubles and reorders as told, the same way for the same seed", async () => {
    const runs = [1, 1, 2].map(world);
    for (const { loop, network, left } of runs) {
      network.setFaults({ dropShare: 0.2, duplicateShare: 0.2, shortestDelayMs: 1, longestDelayMs: 50 });
      shout(left);
      await loop.run(1_000);
    }
    const [first, again, other] = runs.map(({ heard }) => heard);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(new Set(first).size).toBeLessThan(COUNT);
    expect(first?.length).toBeGreaterThan(new Set(first).size);
    expect(first).not.toEqual(first?.toSorted((a, b) => a - b));
  });

  test("cuts a process off, without a word or with its knowing, until it is healed", async () => {
    const { loop, network, left, right, heard } = world(1);
    right.serve("ody.acme.echo", async (payload) => payload);
    const reasons: unknown[] = [];
    const ask = (): void =>
      void left.request("ody.acme.echo", 1, { timeoutMs: 100 }).then(
        (answer) => reasons.push(answer),
        (error: { reason: unknown }) => reasons.push(error.reason),
      );
    network.isolate("right");
    ask();
    shout(left);
    await loop.run(200);
    network.disconnect("left");
    ask();
    await loop.run(400);
    network.healAll();
    ask();
    await loop.run(600);
    expect(reasons).toEqual(["timeout", "disconnected", 1]);
    expect(heard).toEqual([]);
  });
});
