import { describe, expect, test } from "vitest";
import { SIMULATION_STARTS_AT_MS, SimLoop } from "../../runtime/simulation/sim-loop.ts";
import { SimProcess } from "../../runtime/simulation/sim-process.ts";
import { WakeTimer } from "../../runtime/wake-timer.ts";

const MINUTE_MS = 60_000;

/** A timer over dues that stay in the state, as deadlines derived from facts do. Times are after the start of the simulation. */
function timer(dues: number[]) {
  const loop = new SimLoop(1);
  const process = new SimProcess(loop, "test");
  const woken: { readonly due: number; readonly atMs: number }[] = [];
  const wake = new WakeTimer(
    process.clock,
    (afterMs) =>
      dues
        .map((due) => due + SIMULATION_STARTS_AT_MS)
        .toSorted((a, b) => a - b)
        .find((due) => due > afterMs),
    (due) => woken.push({ due: due - SIMULATION_STARTS_AT_MS, atMs: loop.nowMs }),
  );
  return { loop, process, woken, wake, dues };
}

describe("an actor's timer", () => {
  test("goes off at every time that is due, once, however far away", async () => {
    const { loop, wake, woken } = timer([1_000, 2_000, 40 * 24 * 60 * MINUTE_MS]);
    wake.arm();
    await loop.run(41 * 24 * 60 * MINUTE_MS);
    expect(woken.map(({ due }) => due)).toEqual([1_000, 2_000, 40 * 24 * 60 * MINUTE_MS]);
  });

  test("is not lost when the state changes just after it was due", async () => {
    const { loop, wake, woken, dues, process } = timer([1_000]);
    wake.arm();
    await loop.run(999);
    process.jumpWall(5);
    dues.push(5_000);
    wake.arm();
    await loop.run(1_001);
    expect(woken.map(({ due }) => due)).toEqual([1_000]);
  });

  test("goes off within half a minute when the wall clock is put forward", async () => {
    const { loop, wake, woken, process } = timer([60 * MINUTE_MS]);
    wake.arm();
    await loop.run(MINUTE_MS);
    process.jumpWall(2 * 60 * MINUTE_MS);
    await loop.run(2 * MINUTE_MS);
    expect(woken).toHaveLength(1);
  });

  test("waits for its time when the wall clock is put back, and still goes off after that", async () => {
    const { loop, wake, woken, process, dues } = timer([MINUTE_MS]);
    wake.arm();
    await loop.run(2 * MINUTE_MS);
    process.jumpWall(-MINUTE_MS - 30_000);
    dues[0] = 40_000;
    wake.arm();
    await loop.run(2 * MINUTE_MS + 9_000);
    expect(woken).toHaveLength(1);
    await loop.run(2 * MINUTE_MS + 11_000);
    expect(woken).toHaveLength(2);
  });

  test("does not go off any more once it is stopped", async () => {
    const { loop, wake, woken } = timer([1_000]);
    wake.arm();
    wake.stop();
    await loop.run(MINUTE_MS);
    expect(woken).toEqual([]);
  });
});
