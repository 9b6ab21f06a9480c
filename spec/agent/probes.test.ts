import { describe, expect, test } from "vitest";
import { HealthCheck } from "../../actors/deployment/contract.ts";
import { afterProbe, newProbeState, nextProbeDelayMs, type ProbeState } from "../../agent/probe-state.ts";
import { NodeUnderTest } from "./node-under-test.ts";

const check = HealthCheck.parse({ kind: "http", path: "/", intervalMs: 10_000, retries: 3, startPeriodMs: 20_000 });

/** Probes until the verdict, always with the same answer; answers when it came, from the start on. */
function verdictOf(healthy: boolean, from: ProbeState, wanted: typeof check): { readonly atMs: number; readonly state: ProbeState } {
  let state = from;
  for (let atMs = 0; atMs < 600_000; atMs += nextProbeDelayMs(state, wanted)) {
    state = afterProbe(state, { healthy, atMs }, wanted);
    if (state.health !== from.health) return { atMs, state };
  }
  throw new Error("no verdict");
}

describe("health by probes", () => {
  test("is known with the first success, long before the interval is over", () => {
    expect(verdictOf(true, newProbeState("proving"), check).atMs).toBe(0);
  });

  test("is asked every few hundred milliseconds until the first verdict, then once per interval", () => {
    let state = newProbeState("proving");
    for (let probe = 0; probe < 10; probe += 1) {
      expect(nextProbeDelayMs(state, check)).toBeLessThanOrEqual(250);
      state = afterProbe(state, { healthy: false, atMs: probe * 250 }, check);
    }
    state = afterProbe(state, { healthy: true, atMs: 3_000 }, check);
    expect(nextProbeDelayMs(state, check)).toBe(10_000);
  });

  test("fails after the start period and as many intervals as there are retries, however often it was asked", () => {
    const { atMs } = verdictOf(false, newProbeState("proving"), check);
    expect(atMs).toBeGreaterThanOrEqual(20_000 + 3 * 10_000);
    expect(atMs).toBeLessThanOrEqual(20_000 + 3 * 10_000 + 1_000);
  });

  test("is lost after as many failures in a row as there are retries", () => {
    const two = [1, 2].reduce(
      (state, probe) => afterProbe(state, { healthy: false, atMs: probe * 10_000 }, check),
      newProbeState("healthy"),
    );
    expect(two.health).toBe("healthy");
    const saved = afterProbe(two, { healthy: true, atMs: 30_000 }, check);
    expect(verdictOf(false, saved, check).state.failures).toBe(3);
  });

  test("needs as many successes in a row as were asked for", () => {
    const wanted = { ...check, successes: 3 };
    let state = newProbeState("proving");
    for (const healthy of [true, true, false, true, true]) state = afterProbe(state, { healthy, atMs: 0 }, wanted);
    expect(state.health).toBe("proving");
    expect(afterProbe(state, { healthy: true, atMs: 0 }, wanted).health).toBe("healthy");
  });
});

describe("an attempt with a health check", () => {
  async function nodeWith(image: string, health: object): Promise<NodeUnderTest> {
    const node = new NodeUnderTest();
    await node.start();
    await node.assign(await node.placement({ image, template: { health } }));
    return node;
  }
  const http = { kind: "http", path: "/healthz", port: 8080, intervalMs: 1_000, retries: 2 };

  test.each([http, { ...http, kind: "tcp", path: undefined }, { kind: "command", command: ["check"], intervalMs: 1_000 }])(
    "is proving first, then healthy: $kind",
    async (health) => {
      const node = await nodeWith("app:1", JSON.parse(JSON.stringify(health)) as object);
      await node.untilHealthy();
      expect(node.history.some(({ current }) => current.phase === "running" && current.health === "proving")).toBe(true);
      await node.stop();
    },
  );

  test("that never becomes healthy is restarted, with growing pauses, and says what the probe answered", async () => {
    const node = await nodeWith("sim/sick:1", http);
    await node.clock.until("it backs off", () => node.status()?.current.phase === "backing-off", 60_000);
    expect(node.status()).toMatchObject({ failure: { code: "unhealthy" }, lastExit: { cause: "unhealthy" } });
    expect(node.status()?.lastExit?.healthOutput).toContain("503");
    await node.stop();
  });

  test("that turns unhealthy is replaced", async () => {
    const node = await nodeWith("sim/sicken:10000", http);
    await node.untilHealthy();
    await node.untilHealthy("web.1.1", 2);
    await node.clock.advance(500);
    expect(node.status()).toMatchObject({ restarts: 1, lastExit: { cause: "unhealthy", attempt: 1 } });
    await node.stop();
  });
});
