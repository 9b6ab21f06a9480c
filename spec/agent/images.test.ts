import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NodeUnderTest } from "./node-under-test.ts";

let node: NodeUnderTest;
beforeEach(async () => {
  node = new NodeUnderTest();
  await node.start();
});
afterEach(() => node.stop());

describe("images", () => {
  test("are pulled once for all who wait for them", async () => {
    const image = await node.image("app:1");
    let pulls = 0;
    const pull = node.engine.pull.bind(node.engine);
    node.engine.pull = (...given) => {
      pulls += 1;
      return pull(...given);
    };
    const ids = ["web.1.1", "web.2.2", "web.3.3"];
    const placements = await Promise.all(ids.map((id) => node.placement({ id })));
    await node.assign(...placements.map((placement) => ({ ...placement, template: { ...placement.template, image } })));
    for (const id of ids) await node.untilHealthy(id);
    expect(pulls).toBe(1);
  });

  test("tell their progress while they come, at most once a second", async () => {
    await node.assign(await node.placement({ image: "sim/slowpull:1" }));
    await node.untilPhase("pulling");
    const from = node.history.length;
    await node.clock.advance(30_000);
    const told = node.history.slice(from).map(({ current }) => (current.phase === "pulling" ? (current.doneBytes ?? 0) : -1));
    expect(told.length).toBeGreaterThan(2);
    expect(told.length).toBeLessThanOrEqual(31);
    expect(told).toEqual(told.toSorted((one, other) => one - other));
  });

  test("wanted soon are there before they are needed", async () => {
    const image = await node.image("later:1");
    await node.request(node.assignment([], { prefetch: [image] }));
    const there: boolean[] = [];
    await node.clock.advance(10_000);
    void node.engine.hasImage(image).then((is) => there.push(is));
    await node.clock.advance(100);
    expect(there).toEqual([true]);
  });

  test("that still wait for their turn when the agent ends are given up, and nothing breaks", async () => {
    const names = [1, 2, 3, 4, 5].map((number) => `sim/slowpull:${number}`);
    const images = await Promise.all(names.map((name) => node.image(name)));
    await node.request(node.assignment([], { prefetch: images }));
    await node.clock.advance(1_000);
    const broken: unknown[] = [];
    const note = (cause: unknown): void => void broken.push(cause);
    process.on("unhandledRejection", note);
    await node.stop();
    await node.clock.advance(60_000);
    process.off("unhandledRejection", note);
    expect(broken).toEqual([]);
  });

  test.each([
    ["sim/missing:1", "image.not-found", true],
    ["sim/denied:1", "image.access-denied", true],
    ["sim/unavailable:1", "image.registry-unavailable", false],
    ["sim/nocommand:1", "command.not-found", true],
  ] as const)("that fail say why within seconds: %s", async (reference, code, permanent) => {
    await node.assign(await node.placement({ image: reference }));
    await node.clock.until("it is told", () => node.status()?.failure !== undefined, 15_000);
    expect(node.status()).toMatchObject({
      current: { phase: "backing-off" },
      failure: { code, permanent },
      lastExit: { cause: "start-failed" },
    });
  });

  test("that somebody removes are pulled again for all who are about to use them, and nobody fails", async () => {
    const [first, ...others] = await Promise.all(
      ["web.1.1", "web.2.2", "web.3.3"].map(async (id) => node.placement({ id, template: { image: await node.image("app:1") } })),
    );
    if (first === undefined) throw new Error("no placement");
    const { image } = first.template;
    const same = others.map((other) => ({ ...other, template: { ...other.template, image } }));
    await node.assign(first);
    await node.untilHealthy();
    node.engine.removeImageBehindOurBack(image.digest);
    await node.assign(first, ...same);
    for (const { placementId } of same) {
      await node.untilHealthy(placementId);
      expect(node.status(placementId)).toMatchObject({ attempt: 1, restarts: 0 });
    }
  });

  test("that come back to life are used without being asked for again", async () => {
    node.registry.fail("app", "unavailable");
    await node.assign(await node.placement());
    await node.untilPhase("backing-off");
    node.registry.mend("app");
    await node.untilHealthy("web.1.1", 2);
    expect(node.status()?.failure).toBeUndefined();
  });
});

describe("a published port", () => {
  test("that is taken is said, and tried again until it is free", async () => {
    node.engine.occupyPort(8080);
    await node.assign(await node.placement({ template: { ports: [{ containerPort: 80, publishedPort: 8080, mode: "host" }] } }));
    await node.untilPhase("backing-off");
    expect(node.status()).toMatchObject({ failure: { code: "port.taken" } });
    node.engine.releasePort(8080);
    await node.untilHealthy("web.1.1", 2);
    expect(node.containers()).toHaveLength(1);
  });
});
