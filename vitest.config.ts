import { defineConfig } from "vitest/config";

const TEST_TIMEOUT_MS = 30_000;
/** Hooks bring up engines and servers. */
const HOOK_TIMEOUT_MS = 120_000;

export default defineConfig({
  test: {
    include: ["spec/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: HOOK_TIMEOUT_MS,
    teardownTimeout: HOOK_TIMEOUT_MS,
    reporters: ["default", "./spec/support/summary-reporter.ts"],
  },
});
