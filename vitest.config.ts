import { defineConfig } from "vitest/config";

const TEST_TIMEOUT_MS = 30_000;
/** A condition that is waited for; within the test's own time, so that what is missing is named. */
const CONDITION_TIMEOUT_MS = 20_000;
/** Hooks bring up engines and servers. */
const HOOK_TIMEOUT_MS = 120_000;

export default defineConfig({
  test: {
    include: ["spec/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: TEST_TIMEOUT_MS,
    expect: { poll: { timeout: CONDITION_TIMEOUT_MS } },
    hookTimeout: HOOK_TIMEOUT_MS,
    teardownTimeout: HOOK_TIMEOUT_MS,
    reporters: ["default", "./spec/support/summary-reporter.ts"],
  },
});
