import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Commit, Journal } from "../../runtime/journal.ts";
import { SNAPSHOT_EVERY_EVENTS } from "../../runtime/commit-of.ts";
import { PASTLESS_ACTORS_KEPT } from "../../runtime/hosted-tenant.ts";
import { CommitGate } from "../../storage/commit-gate.ts";
import { systemClock } from "../../runtime/system-clock.ts";
import { openMemoryTenant } from "../../storage/memory-tenant.ts";
import { openTenant } from "../../storage/tenant-files.ts";
import { counter } from "./support/counter.ts";
import { actor, counterAddress, EPOCH, hostCounters, person, TENANT, type HostedCounters } from "./support/host.ts";

const limits = { timeoutMs: 10_000 };
/** For what is kept waiting on purpose. */
const patient = { timeoutMs: 60_000 };
const one = counterAddress("one");
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(...args: Parameters<typeof hostCounters>): Promise<HostedCounters> {
  const counters = await hostCounters(...args);
  cleanups.push(() => counters.stop());
  return counters;
}

interface BreakableDisk {
  tenant: ReturnType<typeof openMemoryTenant>;
  /** Undefined, or answering undefined: the commit is written. */
  fail: ((commit: Commit) => ReturnType<Journal["commit"]> | undefined) | undefined;
}

/** A tenant whose commits may be told to fail. */
function breakable(): BreakableDisk {
  const real = openMemoryTenant({ tenant: TENANT });
  const disk: BreakableDisk = { tenant: real, fail: undefined };
  const { journal } = real;
  disk.tenant = { ...real, journal: { ...journal, commit: (commit) => disk.fail?.(commit) ?? journal.commit(commit) } };
  return disk;
}

describe("what an actor asks of itself", () => {
  test("is its own command in each process, also where one begins in the millisecond in which the other ended", async () => {
    const tenant = openMemoryTenant({ tenant: TENANT });
    const clock = { ...systemClock, nowMs: () => 1_800_000_000_000 };
    for (const total of [1, 2]) {
      const counters = await hostCounters({ clock }, tenant);
      await counters.host.ask(one, { kind: "to-itself", command: { kind: "add", amount: 1 } }, person(), limits);
      expect(await counters.host.ask(one, { kind: "add", amount: 0 }, person(), limits)).toEqual({ kind: "ok", value: { total } });
      await counters.stop();
    }
  });
});

describe("an actor whose disk refuses", () => {
  test("says so in words, changes nothing, and works again when there is room", async () => {
    const disk = breakable();
    const { host } = await start({}, disk.tenant);
    await host.ask(one, { kind: "add", amount: 1 }, person(), limits);
    disk.fail = async () => ({ kind: "failed", reason: "disk-full", message: "no space left on /data" });
    const replies = await Promise.all([1, 2, 3].map((amount) => host.ask(one, { kind: "add", amount }, person(), limits)));
    for (const reply of replies) {
      expect(reply).toMatchObject({
        code: "storage.disk-full",
        httpStatus: 503,
        retryable: true,
        message: expect.stringContaining("no space left on /data"),
      });
    }
    disk.fail = undefined;
    expect(await host.ask(one, { kind: "add", amount: 1 }, person(), limits)).toEqual({ kind: "ok", value: { total: 2 } });
  });

  test("is woken later for what was due meanwhile", async () => {
    const disk = breakable();
    const { host, trace } = await start({}, disk.tenant);
    let refused = 0;
    disk.fail = (commit) => {
      if (!commit.meta.commandId.includes("/wake/")) return undefined;
      refused += 1;
      return Promise.resolve({ kind: "failed", reason: "read-only", message: "mounted read-only" });
    };
    await host.ask(one, { kind: "wake-at", wakeAtMs: Date.now() }, person(), limits);
    await expect.poll(() => refused).toBeGreaterThan(0);
    disk.fail = undefined;
    await expect.poll(() => trace.committed.at(-1)?.total).toBe(1_000);
  });
});

describe("an actor that is not what it thought", () => {
  test("decides again when its stream has moved on", async () => {
    const { host, tenant } = await start();
    await host.ask(one, { kind: "add", amount: 1 }, person(), limits);
    tenant.store.commitGroup([
      {
        stream: one,
        expectedVersion: 1,
        epoch: EPOCH,
        atMs: 0,
        meta: actor(),
        events: [{ type: "counter.added", schema: 1, data: { type: "counter.added", amount: 10 } }],
        reply: undefined,
        audit: [],
        outbox: [],
        rows: [],
      },
    ]);
    expect(await host.ask(one, { kind: "add", amount: 1 }, person(), limits)).toEqual({ kind: "ok", value: { total: 12 } });
    expect(await host.ask(one, { kind: "add", amount: 1 }, person(), limits)).toEqual({ kind: "ok", value: { total: 13 } });
  });

  test("stops for good when another process owns its tenant", async () => {
    const fenced: [string, number][] = [];
    const { host, tenant } = await start({ onFenced: (name, epoch) => fenced.push([name, epoch]) });
    await host.ask(one, { kind: "add", amount: 1 }, person(), limits);
    tenant.store.claim(EPOCH + 1);
    await expect(host.ask(one, { kind: "add", amount: 1 }, person(), limits)).rejects.toMatchObject({ reason: "not-owner" });
    await expect(host.ask(one, { kind: "add", amount: 1 }, person(), limits)).rejects.toMatchObject({ reason: "not-owner" });
    await expect.poll(() => fenced).toEqual([[TENANT, EPOCH + 1]]);
    expect(tenant.store.load(one).version).toBe(1);
  });
});

describe("an actor with a long past", () => {
  test("is recovered from a snapshot and the events after it, or from all events when its states look different today", async () => {
    const tenant = openMemoryTenant({ tenant: TENANT });
    const before = await hostCounters({}, tenant);
    const count = SNAPSHOT_EVERY_EVENTS + 50;
    await Promise.all(Array.from({ length: count }, () => before.host.ask(one, { kind: "add", amount: 1 }, person(), limits)));
    await before.stop();
    expect(tenant.store.load(one)).toMatchObject({ snapshot: { version: SNAPSHOT_EVERY_EVENTS }, version: count });
    const after = await start({}, tenant);
    expect(await after.host.ask(one, { kind: "add", amount: 1 }, person(), limits)).toEqual({ kind: "ok", value: { total: count + 1 } });
    await after.host.removeTenant(TENANT);
    const today = counter("counter");
    const reshaped = {
      ...today,
      decider: { ...today.decider, stateSchema: 2, upcast: () => ({ type: "counter.added" as const, amount: 2 }) },
    };
    const later = await start({ definitions: [reshaped, counter("other")] }, tenant);
    expect(await later.host.ask(one, { kind: "add", amount: 0 }, person(), limits)).toEqual({
      kind: "ok",
      value: { total: 2 * (count + 1) },
    });
  });
});

describe("names that mean nobody", () => {
  test("do not fill the memory, however many are asked for", async () => {
    const { host } = await start();
    await host.ask(one, { kind: "add", amount: 1 }, person(), limits);
    for (let index = 0; index < PASTLESS_ACTORS_KEPT + 100; index += 1) {
      await host.ask(counterAddress(`nobody-${index}`), { kind: "heartbeat" }, actor(), limits);
    }
    expect(host.actors().length).toBeLessThanOrEqual(PASTLESS_ACTORS_KEPT + 1);
    expect(host.actors().some(({ address }) => address === one)).toBe(true);
    expect(await host.ask(counterAddress("nobody-0"), { kind: "add", amount: 1 }, person(), limits)).toEqual({
      kind: "ok",
      value: { total: 1 },
    });
  });
});

describe("a slow disk", () => {
  test("makes answers late, but stalls neither the loop nor the actors: what needs no disk is answered meanwhile", async () => {
    const directory = mkdtempSync(join(tmpdir(), "odysseus-slow-"));
    cleanups.push(async () => rmSync(directory, { recursive: true, force: true }));
    const commitGate = new CommitGate();
    const tenant = await openTenant({ directory, tenant: TENANT, commitGate });
    cleanups.push(() => tenant.close());
    const { host } = await start({}, { ...openMemoryTenant({ tenant: TENANT }), journal: tenant.journal, reads: tenant.reads });
    const addresses = Array.from({ length: 20 }, (_, index) => counterAddress(`slow-${index}`));
    await Promise.all(addresses.map((address) => host.ask(address, { kind: "heartbeat" }, actor(), limits)));
    commitGate.close();
    let written = 0;
    const late = addresses.flatMap((address) =>
      Array.from({ length: 10 }, async () => {
        const reply = await host.ask(address, { kind: "add", amount: 1 }, person(), patient);
        written += 1;
        return reply;
      }),
    );
    await expect.poll(() => commitGate.held).toBeGreaterThan(0);
    for (let round = 0; round < 50; round += 1) {
      for (const address of addresses) await host.ask(address, { kind: "heartbeat" }, actor(), limits);
    }
    expect(written).toBe(0);
    commitGate.open();
    expect((await Promise.all(late)).every((reply) => "kind" in reply && reply.kind === "ok")).toBe(true);
  });
});
