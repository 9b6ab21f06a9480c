import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ReadinessWatch } from "../../../ops/control-plane/readiness.ts";
import type { Bus } from "../../../runtime/bus.ts";
import { noMeter } from "../../../runtime/meter.ts";
import { systemClock } from "../../../runtime/system-clock.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "odysseus-ready-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

const connected: Pick<Bus, "status"> = { status: () => ({ kind: "connected", sinceMs: 0 }) };

test("a control plane that hears its nodes and can write is ready, and leaves nothing on the disk", async () => {
  const directory = await folder();
  const watch = new ReadinessWatch({ directory, bus: connected, clock: systemClock });
  expect(await watch.look()).toEqual({ kind: "ready" });
  expect(await readdir(directory)).toEqual([]);
});

test("a journal that cannot be written makes it unready, and is asked again", async () => {
  const parent = await folder();
  const directory = join(parent, "tenants");
  const watch = new ReadinessWatch({ directory, bus: connected, clock: systemClock });
  expect(await watch.look()).toMatchObject({ kind: "not-ready", reasons: [expect.stringContaining(`${directory} cannot be written`)] });
  await rename(await folder(), directory);
  await expect.poll(() => watch.look(), { interval: 100 }).toEqual({ kind: "ready" });
});

test("a decision that could not be written makes it unready until one could be", async () => {
  const watch = new ReadinessWatch({ directory: await folder(), bus: connected, clock: systemClock });
  const meter = watch.watching(noMeter);
  meter.committed("default", "failed", 1);
  expect(await watch.look()).toMatchObject({ kind: "not-ready", reasons: [expect.stringContaining("could not be written")] });
  meter.committed("default", "conflict", 1);
  expect(await watch.look()).toMatchObject({ kind: "not-ready" });
  meter.committed("default", "committed", 1);
  expect(await watch.look()).toEqual({ kind: "ready" });
});

test("a broker out of reach makes it unready", async () => {
  const bus: Pick<Bus, "status"> = { status: () => ({ kind: "disconnected", sinceMs: 0 }) };
  const watch = new ReadinessWatch({ directory: await folder(), bus, clock: systemClock });
  expect(await watch.look()).toEqual({
    kind: "not-ready",
    reasons: ["NATS has been out of reach since 1970-01-01T00:00:00.000Z; nodes cannot be heard of."],
  });
});
