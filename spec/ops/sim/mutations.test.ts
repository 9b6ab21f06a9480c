import { describe, expect, test } from "vitest";
import { runSeed, SimFailure } from "../../../ops/sim/run-seed.ts";
import { TRACE_LINES_KEPT } from "../../../ops/sim/trace.ts";
import { mutants, type Mutant } from "./mutants.ts";

/** A fault that is rarely met needs more than one story to be seen in. */
const MOST_SEEDS = 60;
const TIMEOUT_MS = 240_000;

async function firstFailure({ make }: Mutant): Promise<SimFailure | undefined> {
  for (let seed = 1; seed <= MOST_SEEDS; seed += 1) {
    try {
      await runSeed({ seed, mutation: make() });
    } catch (failure) {
      if (failure instanceof SimFailure) return failure;
      throw failure;
    }
  }
  return undefined;
}

describe("the simulation notices", () => {
  for (const mutant of mutants) {
    test(
      mutant.name,
      async () => {
        expect((await firstFailure(mutant))?.check).toMatch(mutant.breaks);
      },
      TIMEOUT_MS,
    );
  }
});

test("a failure says its seed, the promise, what led to it, and the command that shows it again", async () => {
  const [mutant] = mutants;
  const failure = mutant === undefined ? undefined : await firstFailure(mutant);
  const lines = failure?.message.split("\n") ?? [];
  expect(lines[0]).toMatch(/^seed \d+: never below replicas - maxUnavailable: \w+/);
  expect(lines.at(-1)).toMatch(/^Again: npm run sim -- --seed \d+ --trace$/);
  expect(lines.length).toBeLessThanOrEqual(TRACE_LINES_KEPT + 4);
});
