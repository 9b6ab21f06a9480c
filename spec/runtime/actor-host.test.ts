import { afterEach, describe, expect, test } from "vitest";
import { AskFailure } from "../../runtime/actor.ts";
import { openMemoryTenant } from "../../storage/memory-tenant.ts";
import { actor, counterAddress, hostCounters, person, TENANT, type HostedCounters } from "./support/host.ts";

const running: HostedCounters[] = [];
async function start(...args: Parameters<typeof hostCounters>): Promise<HostedCounters> {
  const counters = await hostCounters(...args);
  running.push(counters);
  return counters;
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((counters) => counters.stop()));
});

const limits = { timeoutMs: 5_000 };
const one = counterAddress("one");

describe("an actor that is asked", () => {
  test("answers once its decision is in the journal", async () => {
    const { host, tenant } = await start();
    expect(await host.ask(one, { kind: "add", amount: 3 }, person(), limits)).toEqual({ kind: "ok", value: { total: 3 } });
    expect(tenant.store.load(one).events).toHaveLength(1);
    expect((await tenant.reads.row("counter", one)).row?.body).toEqual({ total: 3 });
  });

  test("acts once for one command id, and answers alike each time, also after a refusal would be due", async () => {
    const { host, tenant } = await start();
    const meta = person();
    const first = await host.ask(one, { kind: "create" }, meta, limits);
    expect(await host.ask(one, { kind: "create" }, meta, limits)).toEqual(first);
    expect(await host.ask(one, { kind: "create" }, { ...meta, ...actor(meta.commandId) }, limits)).toEqual(first);
    expect(await host.ask(one, { kind: "create" }, person(), limits)).toMatchObject({ code: "counter.exists" });
    expect(tenant.store.load(one).events).toHaveLength(1);
  });

  test("decides a hundred commands sent together in their order, doubled ones once", async () => {
    const { host, tenant } = await start();
    const metas = Array.from({ length: 100 }, (_, index) => person(`hundred-${index}`));
    const twice = metas.flatMap((meta) => [meta, meta]);
    const replies = await Promise.all(twice.map((meta) => host.ask(one, { kind: "add", amount: 1 }, meta, limits)));
    expect(replies).toEqual(metas.flatMap((_, index) => Array.from({ length: 2 }, () => ({ kind: "ok", value: { total: index + 1 } }))));
    expect(tenant.store.load(one).version).toBe(100);
  });

  test("leaves an audit entry for every decision of a person, refusals too, and none for what comes to nothing", async () => {
    const { host, tenant } = await start();
    await host.ask(one, { kind: "create" }, person(), limits);
    await host.ask(one, { kind: "create" }, person(), limits);
    await host.ask(one, { kind: "nonsense" }, person(), limits);
    await host.ask(one, { kind: "noop" }, actor(), limits);
    await host.ask(one, { kind: "create" }, actor(), limits);
    const { items } = await tenant.reads.audit({ limit: 10 });
    expect(items.map(({ operation, outcome, reason }) => [operation, outcome, reason])).toEqual([
      ["counter.nonsense", "refused", "counter.nonsense"],
      ["counter.create", "refused", "counter.exists"],
      ["counter.create", "accepted", undefined],
    ]);
  });

  test("answers a heartbeat without writing anything", async () => {
    const { host, tenant } = await start();
    expect(await host.ask(one, { kind: "heartbeat" }, actor(), limits)).toEqual({ kind: "ok", value: { seen: 0 } });
    expect(host.soft(one)).toEqual({ heartbeats: 1 });
    expect(tenant.store.newestOffset()).toBe(0);
  });

  test("fails alone when its decider throws, and works again shortly after", async () => {
    const { host } = await start();
    await host.ask(one, { kind: "add", amount: 1 }, person(), limits);
    const failure = await host.ask(one, { kind: "explode" }, person(), limits).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AskFailure);
    expect(failure).toMatchObject({ reason: "crashed", cause: { message: "boom" } });
    expect(await host.ask(one, { kind: "add", amount: 1 }, person(), limits)).toEqual({ kind: "ok", value: { total: 2 } });
    expect(host.deadLetters.newest()).toMatchObject([{ to: one, reason: "crashed", stack: expect.stringContaining("boom") }]);
  });
});

describe("what actors send each other", () => {
  test("arrives, and acts once", async () => {
    const { host, tenant } = await start();
    const two = counterAddress("two", "other");
    await host.ask(one, { kind: "add", amount: 5, tell: [two] }, person(), limits);
    await expect.poll(() => tenant.store.load(two).version).toBe(1);
    await expect.poll(() => tenant.store.pending(10)).toEqual([]);
    expect(tenant.store.load(two).events[0]?.meta).toMatchObject({ commandId: `${one}/1/0`, via: "system" });
  });

  test("tells two decisions without events apart", async () => {
    const { host, tenant } = await start();
    const two = counterAddress("two", "other");
    await host.ask(one, { kind: "resend", tell: [two] }, actor(), limits);
    await host.ask(one, { kind: "resend", tell: [two] }, actor(), limits);
    await expect.poll(() => tenant.store.load(two).version).toBe(2);
  });
});

describe("after a restart", () => {
  test("an actor is what it was, and its timers go off", async () => {
    const tenant = openMemoryTenant({ tenant: TENANT });
    const before = await hostCounters({}, tenant);
    await before.host.ask(one, { kind: "add", amount: 2 }, person(), limits);
    await before.host.ask(one, { kind: "wake-at", wakeAtMs: Date.now() + 150 }, person(), limits);
    await before.stop();
    const after = await start({}, tenant);
    await expect.poll(() => after.trace.committed.at(-1)?.total).toBe(1_002);
  });
});
