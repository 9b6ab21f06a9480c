import { expect, test } from "vitest";
import { runSeed } from "../../../ops/sim/run-seed.ts";

const SEEDS = 200;
/** Several times what it takes on two busy processors. */
const TIMEOUT_MS = 1_200_000;

test(
  `the platform keeps its promises whatever goes wrong, for seeds 1 to ${SEEDS}`,
  async () => {
    const digests = new Set<string>();
    for (let seed = 1; seed <= SEEDS; seed += 1) digests.add((await runSeed({ seed })).digest);
    expect(digests.size).toBe(SEEDS);
  },
  TIMEOUT_MS,
);
