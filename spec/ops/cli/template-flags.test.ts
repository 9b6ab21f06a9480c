import { describe, expect, test } from "vitest";
import { spokenTemplate } from "../../../ops/cli/template-flags.ts";

const rollout = (options: Readonly<Record<string, unknown>>): unknown => spokenTemplate(options, []).rollout;

describe("the pace of the way back, in Docker's words", () => {
  test("is how many are replaced at once, what comes first, and how long the pause is", () => {
    expect(rollout({ rollbackParallelism: "2", rollbackOrder: "stop-first", rollbackDelay: "5s" })).toEqual({
      rollback: { maxSurge: 0, maxUnavailable: 2, delayMs: 5_000 },
    });
    expect(rollout({ rollbackParallelism: "0" })).toEqual({ rollback: { maxSurge: "100%", maxUnavailable: 0 } });
    expect(rollout({ rollbackOrder: "stop-first" })).toEqual({ rollback: { maxSurge: 0, maxUnavailable: 1 } });
  });

  test("is that of an update where nothing is said of it", () => {
    expect(rollout({ updateDelay: "5s" })).toEqual({ delayMs: 5_000 });
    expect(rollout({ rollbackDelay: "0s" })).toEqual({ rollback: { delayMs: 0 } });
  });

  test("is refused where it is no number", () => {
    expect(() => rollout({ rollbackParallelism: "all" })).toThrow("--rollback-parallelism");
  });
});
