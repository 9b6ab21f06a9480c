import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CounterWorld, COMMANDS, receiver, sender, trouble, type Trouble } from "./counters.ts";

const RUNS = 60;
const TEST_TIMEOUT_MS = 120_000;

async function runWorld(seed: number, trouble: Trouble): Promise<CounterWorld> {
  const world = new CounterWorld(seed, trouble);
  await world.run();
  return world;
}

describe("actors under lost, late, doubled and reordered messages, crashes and a bad disk", () => {
  test(
    "write what they acknowledged exactly once, and their messages act exactly once, in their order",
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), trouble, async (seed, trouble) => {
          const world = await runWorld(seed, trouble);
          const indices = Array.from({ length: COMMANDS }, (_, index) => index);
          const sent = [...new Set(indices.map(sender))].flatMap((address) => world.store("left").load(address, "start").events);
          expect(sent.map(({ meta }) => meta.commandId).sort()).toEqual(indices.map((index) => `person-${index}`).sort());
          const received = [...new Set(indices.map(receiver))].flatMap((address) => world.store("right").load(address, "start").events);
          expect(received).toHaveLength(COMMANDS);
          const versions = new Map<string, number>();
          for (const { stream, meta } of received) {
            const [from, version] = [meta.commandId.split("/").slice(0, -2).join("/"), Number(meta.commandId.split("/").at(-2))];
            expect(version).toBeGreaterThan(versions.get(`${from} ${stream}`) ?? 0);
            versions.set(`${from} ${stream}`, version);
          }
        }),
        { numRuns: RUNS },
      );
    },
    TEST_TIMEOUT_MS,
  );

  test("do the same again for the same seed, and something else for another", async () => {
    const bad: Trouble = {
      dropShare: 0.4,
      duplicateShare: 0.3,
      diskFault: "unconfirmed",
      diskFaultShare: 0.3,
      crashes: [{ commits: 5, moment: "after-commit" }],
    };
    const [first, again, other] = [await runWorld(7, bad), await runWorld(7, bad), await runWorld(8, bad)];
    expect([again.loop.digest, again.loop.steps]).toEqual([first.loop.digest, first.loop.steps]);
    const all = (world: CounterWorld): string =>
      JSON.stringify([0, 1, 2].flatMap((index) => [world.store("left").load(sender(index)), world.store("right").load(receiver(index))]));
    expect(all(again)).toBe(all(first));
    expect(other.loop.digest).not.toBe(first.loop.digest);
  });
});
