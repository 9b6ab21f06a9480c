import { describe, expect, test } from "vitest";
import type { EngineEvent } from "../../../agent/engine/port.ts";
import { SimulatedEngine } from "../../../agent/engine/simulated-engine.ts";
import { SimulatedProbeTransport } from "../../../agent/engine/simulated-probe-transport.ts";
import { SimulatedRegistry } from "../../../agent/engine/simulated-registry.ts";
import { seededRandom } from "../../../runtime/seeded-random.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";
import { desired, failureOf, OWNER } from "./contract.ts";

const NEVER = new AbortController().signal;

function simulation(seed = 1) {
  const clock = new VirtualClock();
  const registry = new SimulatedRegistry();
  const engine = new SimulatedEngine({ clock, random: seededRandom(seed, clock), registry, owner: OWNER, hostname: "n1" });
  const events: EngineEvent[] = [];
  engine.watch((event) => events.push(event));
  /** Lets time pass until the call is answered. */
  const wait = async <Answer>(call: Promise<Answer>): Promise<Answer> => {
    let isAnswered = false;
    const settled = call.finally(() => (isAnswered = true));
    settled.catch(() => {});
    await clock.until("the call is answered", () => isAnswered, 600_000);
    return settled;
  };
  const start = async (reference: string, environment: Record<string, string> = {}): Promise<string> => {
    const { image } = await wait(engine.resolve(reference));
    await wait(engine.pull(image, () => {}, NEVER));
    const containerId = await wait(engine.create(desired(image, { name: `web-${reference}`, environment })));
    await wait(engine.start(containerId));
    return containerId;
  };
  return { clock, registry, engine, events, wait, start };
}

describe("the simulated engine", () => {
  test("the same seed gives the same run, to the millisecond and the id", async () => {
    const run = async (seed: number): Promise<string> => {
      const { clock, engine, events, wait, start } = simulation(seed);
      const first = await start("sim/crash:7");
      await start("sim/app:1");
      await clock.advance(5_000);
      engine.crash();
      await failureOf(wait(engine.list()));
      engine.restart("stopped");
      await clock.advance(1_000);
      return JSON.stringify([clock.monotonicMs(), first, events, await wait(engine.list())]);
    };
    expect(await run(7)).toBe(await run(7));
    expect(await run(7)).not.toBe(await run(8));
  });

  test("scripts are chosen by the image's name, and the environment has the last word", async () => {
    const { clock, engine, wait, start } = simulation();
    const crash = await start("sim/crash:9");
    const late = await start("sim/app:1", { SIM_EXIT_AFTER_MS: "3000", SIM_EXIT_CODE: "4" });
    const sick = await start("sim/sick");
    const slow = await start("sim/slow:2000");
    await clock.advance(1_500);
    expect(await wait(engine.inspect(crash))).toMatchObject({ state: "exited", exitCode: 9 });
    expect(await wait(engine.inspect(late))).toMatchObject({ state: "running" });
    expect([engine.probe(sick), engine.probe(slow)]).toEqual(["unhealthy", "unhealthy"]);
    await clock.advance(2_000);
    expect(await wait(engine.inspect(late))).toMatchObject({ state: "exited", exitCode: 4 });
    expect([engine.probe(sick), engine.probe(slow)]).toEqual(["unhealthy", "healthy"]);
  });

  test("probes over the network reach a container while the engine is down", async () => {
    const { clock, engine, wait, start } = simulation();
    const containerId = await start("sim/app:1");
    const address = (await wait(engine.inspect(containerId)))?.address ?? "";
    const probes = new SimulatedProbeTransport(engine);
    await clock.advance(1_000);
    engine.crash();
    expect(await wait(probes.http(address, 8080, "/healthz", 1_000))).toMatchObject({ healthy: true });
    engine.forceHealth(containerId, "unhealthy");
    expect(await wait(probes.tcp(address, 8080, 1_000))).toMatchObject({ healthy: false });
    engine.killProcess(containerId);
    expect(await wait(probes.http(address, 8080, "/healthz", 1_000))).toMatchObject({
      healthy: false,
      output: expect.stringContaining("refused"),
    });
  });

  test("what happens while the engine is down is seen afterwards, and nobody hears of it", async () => {
    const { clock, engine, events, wait, start } = simulation();
    const containerId = await start("sim/app:1");
    await clock.advance(100);
    engine.crash();
    await clock.advance(100);
    events.length = 0;
    engine.killProcess(containerId);
    await clock.advance(1_000);
    expect(events).toEqual([]);
    engine.restart("survive");
    await clock.advance(100);
    expect(events).toEqual([{ kind: "connected" }]);
    expect(await wait(engine.inspect(containerId))).toMatchObject({ state: "exited", exitCode: 137 });
  });

  test("a frozen process does nothing, and catches up when it is thawed", async () => {
    const { clock, engine, wait, start } = simulation();
    const containerId = await start("sim/crash:2");
    engine.pauseBehindOurBack(containerId);
    await clock.advance(10_000);
    expect(await wait(engine.inspect(containerId))).toMatchObject({ state: "paused" });
    await wait(engine.unpause(containerId));
    expect(await wait(engine.inspect(containerId))).toMatchObject({ state: "exited", exitCode: 2 });
  });

  test("a full disk, an outage in the middle of a pull, and an engine that hangs fail in words", async () => {
    const { clock, registry, engine, wait } = simulation();
    const { image } = await wait(engine.resolve("sim/slowpull:1"));
    engine.fillDisk();
    expect(await failureOf(wait(engine.pull(image, () => {}, NEVER)))).toMatchObject({ code: "disk.full" });
    engine.freeDisk();
    const pulling = failureOf(engine.pull(image, () => {}, NEVER));
    await clock.advance(20_000);
    registry.goDown();
    await clock.advance(60_000);
    expect(await pulling).toMatchObject({ code: "image.registry-unavailable" });
    registry.comeUp();
    engine.hang();
    const listing = failureOf(engine.list());
    await clock.advance(31_000);
    expect(await listing).toMatchObject({ code: "engine.unavailable", message: expect.stringContaining("within 30 s") });
    engine.answerAgain();
    expect(await wait(engine.list())).toEqual([]);
  });

  test("a digest pinned before a restart of the whole simulation can be pulled in the next", async () => {
    const before = simulation();
    const { image } = await before.wait(before.engine.resolve("sim/app:1"));
    const after = simulation();
    await after.wait(after.engine.pull(image, () => {}, NEVER));
    expect(await after.wait(after.engine.hasImage(image))).toBe(true);
  });
});
