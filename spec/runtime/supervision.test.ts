import { describe, expect, test } from "vitest";
import { QUARANTINE_FAILURES, RESTART_DELAY_LIMIT_MS, Supervision } from "../../runtime/supervision.ts";

const longest = { next: () => 1, id: () => "" };
const MINUTE_MS = 60_000;

describe("the restarts of an actor that fails", () => {
  test("come later each time, up to the limit", () => {
    const supervision = new Supervision(longest);
    const delays = Array.from({ length: QUARANTINE_FAILURES - 1 }, () => supervision.failed(0)).map(
      (verdict) => verdict.kind === "restart" && verdict.delayMs,
    );
    expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600]);
    expect(supervision.failed(0)).toEqual({ kind: "quarantine" });
    expect(RESTART_DELAY_LIMIT_MS).toBe(30_000);
  });

  test("never come later than the limit", () => {
    const supervision = new Supervision(longest);
    let nowMs = 0;
    let verdict = supervision.failed(nowMs);
    for (let index = 0; index < 50; index += 1) {
      nowMs += 2 * MINUTE_MS;
      verdict = supervision.failed(nowMs);
    }
    expect(verdict).toEqual({ kind: "restart", delayMs: RESTART_DELAY_LIMIT_MS });
  });

  test("begin again at the shortest after a minute of health", () => {
    const supervision = new Supervision(longest);
    supervision.failed(0);
    supervision.failed(0);
    supervision.started(0);
    expect(supervision.failed(MINUTE_MS - 1)).toEqual({ kind: "restart", delayMs: 400 });
    supervision.started(MINUTE_MS);
    expect(supervision.failed(2 * MINUTE_MS)).toEqual({ kind: "restart", delayMs: 100 });
  });

  test("are spread over the whole delay by chance", () => {
    expect(new Supervision({ next: () => 0.25, id: () => "" }).failed(0)).toEqual({ kind: "restart", delayMs: 25 });
  });
});
