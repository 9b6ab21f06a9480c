import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "../../runtime/log.ts";
import { NatsBus } from "../../runtime/nats-bus.ts";
import { systemClock } from "../../runtime/system-clock.ts";
import { counter } from "./support/counter.ts";
import { actor, counterAddress, hostCounters, person, TENANT, type HostedCounters } from "./support/host.ts";
import { startTestNats, type TestNats } from "./support/nats.ts";

const limits = { timeoutMs: 5_000 };
const one = counterAddress("one");
let nats: TestNats;
let buses: readonly NatsBus[];
let here: HostedCounters;
let there: HostedCounters;

beforeAll(async () => {
  nats = await startTestNats();
  const busOf = (name: string): NatsBus =>
    new NatsBus({ url: nats.url, inboxPrefix: `_INBOX_${name}`, name, clock: systemClock, log: silentLog });
  const [hereBus, thereBus] = [busOf("here"), busOf("there")];
  buses = [hereBus, thereBus];
  there = await hostCounters({ bus: thereBus });
  here = await hostCounters({ bus: hereBus, definitions: [counter("local")], servedKinds: [], remoteKinds: ["counter"] });
  // Until the broker knows who serves what.
  const isServed = (): Promise<boolean> =>
    here.host.ask(one, { kind: "heartbeat" }, actor(), limits).then(
      () => true,
      () => false,
    );
  while (!(await isServed())) await nextTurn();
});

afterAll(async () => {
  await Promise.all([here.stop(), there.stop()]);
  await Promise.all(buses.map((bus) => bus.close()));
  await nats.kill();
});

test("an actor elsewhere answers, refuses and fails as one here does", async () => {
  expect(await here.host.ask(one, { kind: "add", amount: 4 }, actor(), limits)).toEqual({ kind: "ok", value: { total: 4 } });
  expect(await here.host.ask(one, { kind: "nonsense" }, actor(), limits)).toMatchObject({ code: "counter.nonsense", httpStatus: 400 });
  await expect(here.host.ask(one, { kind: "explode" }, actor(), limits)).rejects.toMatchObject({ reason: "crashed" });
});

test("nobody speaks for a person over the bus", async () => {
  const before = there.tenant.store.load(one).version;
  expect(await here.host.ask(one, { kind: "add", amount: 4 }, person(), limits)).toMatchObject({ code: "message.malformed" });
  expect(await buses[0]?.request("ody.acme.counter.one", { kind: "add" }, limits)).toMatchObject({ reply: { code: "message.malformed" } });
  expect(there.tenant.store.load(one).version).toBe(before);
});

test("a tell arrives without an answer", async () => {
  const before = there.tenant.store.load(one).version;
  here.host.tell(one, { kind: "add", amount: 1 }, actor());
  await expect.poll(() => there.tenant.store.load(one).version).toBe(before + 1);
});

test("an actor that lives nowhere is told from one whose tenant is elsewhere", async () => {
  const absent = counterAddress("one", "nothing");
  await expect(here.host.ask(absent, {}, actor(), limits)).rejects.toMatchObject({ reason: "unknown-kind" });
  await there.host.removeTenant(TENANT);
  await expect(here.host.ask(one, { kind: "noop" }, actor(), limits)).rejects.toMatchObject({ reason: "not-owner" });
});
