import { expect, test } from "vitest";
import type { CertificatesEvent } from "../../../actors/certificate/state.ts";
import { memorySealedStore } from "../../../storage/memory-sealed.ts";
import { Stage, type Crash } from "./stage.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HOST = "app.example.com";

/** Every step of an order that is written down. */
const STEPS: readonly CertificatesEvent["type"][] = [
  "account.key-made",
  "account.registered",
  "order.started",
  "challenge.offered",
  "challenge.told",
  "order.authorized",
  "certificate.key-made",
  "certificate.issued",
];

test.for(STEPS.flatMap((at) => (["before", "after"] as const).map((moment): Crash => ({ at, moment }))))(
  "a control plane that is killed $moment it has written $at leaves an order that the next one ends",
  async (crash) => {
    const stage = new Stage();
    const first = await stage.start(crash);
    void first.configure().catch(() => undefined);
    void first.want(HOST).catch(() => undefined);
    await first.until(
      () => "the first never died",
      () => stage.hasDied,
    );
    const second = await stage.start();
    await second.configure();
    await second.want(HOST);
    await second.untilView(HOST, ({ source, state }) => source === "acme" && state === "valid");
    expect((await second.eventTypes()).filter((type) => type === "order.failed")).toEqual([]);
    expect(stage.authority.orders.filter(({ issued }) => issued !== undefined)).toHaveLength(1);
  },
);

test("the authority is told to look only once every ingress node answers, and the order says whom it waits for", async () => {
  const stage = new Stage();
  stage.lacking = () => "n2 is at table 4 of 5";
  const keeper = await stage.start();
  await keeper.configure();
  await keeper.want(HOST);
  await keeper.untilView(HOST, ({ reason }) => reason.includes("n2 is at table 4 of 5"));
  expect(await keeper.view(HOST)).toMatchObject({ source: "self-signed", order: { step: "publishing" } });
  expect(stage.authority.asked).not.toContain("tell");
  stage.lacking = () => undefined;
  await keeper.untilView(HOST, ({ source }) => source === "acme");
  expect(stage.authority.asked).toContain("tell");
});

test("an order that no node serves ends at its deadline, says why, and is tried again", async () => {
  const stage = new Stage();
  stage.lacking = () => "n2 has no proxy";
  const keeper = await stage.start();
  await keeper.configure();
  await keeper.want(HOST);
  await keeper.untilView(HOST, ({ order }) => order?.step === "publishing");
  await stage.clock.advance(10 * 60_000);
  const view = await keeper.untilView(HOST, ({ lastFailure }) => lastFailure !== undefined);
  expect(view.reason).toMatch(
    /^Self-signed until ACME delivers: not done in time: waiting until every ingress node answers the challenge: n2 has no proxy; next attempt 20/,
  );
  stage.lacking = () => undefined;
  await (await stage.later(HOUR_MS)).untilView(HOST, ({ source }) => source === "acme");
});

test("an order whose account cannot get a key ends at its deadline, and the next one is made once it can", async () => {
  const store = memorySealedStore();
  let isFull = true;
  const stage = new Stage({
    ...store,
    seal: async (name, bytes) =>
      isFull && name === "acme-account" ? { kind: "failed", reason: "disk-full", message: "the disk is full" } : store.seal(name, bytes),
  });
  const keeper = await stage.start();
  await keeper.configure();
  await keeper.want(HOST);
  await keeper.untilView(HOST, ({ reason }) => reason.includes("the disk is full"));
  await stage.clock.advance(10 * 60_000);
  const view = await keeper.untilView(HOST, ({ lastFailure }) => lastFailure !== undefined);
  expect(view.reason).toContain("the disk is full; next attempt 20");
  isFull = false;
  await (await stage.later(HOUR_MS)).untilView(HOST, ({ source }) => source === "acme");
});

test("a host serves with a self-signed certificate at once, and with the authority's once it is there", async () => {
  const stage = new Stage();
  stage.authority.mood = { kind: "down" };
  const keeper = await stage.start();
  await keeper.configure();
  await keeper.want(HOST);
  await keeper.untilView(HOST, ({ state }) => state === "valid");
  const before = keeper.served(HOST);
  expect(before).toBeDefined();
  await keeper.untilView(HOST, ({ reason }) => reason.includes("nothing listens there"));
  stage.authority.mood = { kind: "well" };
  await keeper.untilView(HOST, ({ source }) => source === "acme");
  expect(keeper.served(HOST)).toBeDefined();
  expect(keeper.served(HOST)).not.toBe(before);
});

test("an authority that does not answer is given up at the order's deadline and asked again later", async () => {
  const stage = new Stage();
  stage.authority.mood = { kind: "hangs" };
  const keeper = await stage.start();
  await keeper.configure();
  await keeper.want(HOST);
  await keeper.until(
    () => "it was never asked",
    () => stage.authority.asked.includes("register"),
  );
  await stage.clock.advance(10 * 60_000);
  await keeper.untilView(
    HOST,
    ({ lastFailure }) => lastFailure?.message.startsWith("not done in time: waiting for the authority") === true,
  );
  stage.authority.mood = { kind: "well" };
  await (await stage.later(HOUR_MS)).untilView(HOST, ({ source }) => source === "acme");
});

test("an authority that refuses is asked at most four times within the first hour, then ever less often", async () => {
  const stage = new Stage();
  stage.look = () => "something else";
  const keeper = await stage.start();
  await keeper.configure();
  await keeper.want(HOST);
  const view = await keeper.untilView(HOST, ({ lastFailure }) => lastFailure !== undefined);
  expect(view.lastFailure?.message).toBe("the proof was not there");
  const failures = async (): Promise<number> => (await keeper.eventTypes()).filter((type) => type === "order.failed").length;
  for (let minutes = 0; minutes < 59; minutes += 1) await passMinute(stage, keeper);
  expect(await failures()).toBeGreaterThan(1);
  expect(await failures()).toBeLessThanOrEqual(4);
  expect(await keeper.call("certificates.renew", { host: HOST })).toMatchObject({ code: "certificate.too-soon" });
  const inFirstHour = await failures();
  for (let minutes = 0; minutes < 180; minutes += 1) await passMinute(stage, keeper);
  expect((await failures()) - inFirstHour).toBeLessThanOrEqual(3);
});

test("an authority that asks to wait is not asked before it said so, whatever it is asked for", async () => {
  const stage = new Stage();
  stage.authority.mood = { kind: "limited", retryAfterMs: 30 * HOUR_MS };
  const keeper = await stage.start();
  await keeper.configure();
  await keeper.want(HOST);
  const view = await keeper.untilView(HOST, ({ lastFailure }) => lastFailure?.message === "too many certificates");
  expect((view.nextAttemptAtMs ?? 0) - stage.clock.nowMs()).toBeGreaterThan(29 * HOUR_MS);
  const asked = stage.authority.asked.length;
  stage.authority.mood = { kind: "well" };
  await stage.later(29 * HOUR_MS);
  await stage.clock.advance(60_000);
  expect(stage.authority.asked).toHaveLength(asked);
  await (await stage.later(2 * HOUR_MS)).untilView(HOST, ({ source }) => source === "acme");
});

test("an authority with a new database gets the account again, and the order goes on", async () => {
  const stage = new Stage();
  stage.lacking = () => "n1";
  const keeper = await stage.start();
  await keeper.configure();
  await keeper.want(HOST);
  await keeper.untilView(HOST, ({ order }) => order?.step === "publishing");
  stage.authority.forgetAccounts();
  stage.lacking = () => undefined;
  await keeper.untilView(HOST, ({ source }) => source === "acme");
  expect(await keeper.eventTypes()).toContain("account.forgotten");
  expect(await keeper.eventTypes()).not.toContain("order.failed");
});

test("a certificate is renewed after two thirds of its life, and serves until the next one is there", async () => {
  const stage = new Stage();
  const keeper = await stage.start();
  await keeper.configure();
  await keeper.want(HOST);
  const first = await keeper.untilView(HOST, ({ source }) => source === "acme");
  const chain = keeper.served(HOST);
  expect(((first.renewAtMs ?? 0) - stage.clock.nowMs()) / DAY_MS).toBeGreaterThan(59.9);
  expect(((first.renewAtMs ?? 0) - stage.clock.nowMs()) / DAY_MS).toBeLessThan(65);
  const before = await stage.later(59 * DAY_MS);
  await stage.clock.advance(60_000);
  expect(before.served(HOST)).toBe(chain);
  const after = await stage.later(6 * DAY_MS);
  await after.until(
    () => "the old one never served",
    () => after.served(HOST) === chain,
  );
  await after.untilView(HOST, ({ fingerprint }) => fingerprint !== first.fingerprint);
  expect(after.served(HOST)).not.toBe(chain);
});

test("a certificate that cannot be renewed is an alarm well before it ends, and then a self-signed one takes its place", async () => {
  const stage = new Stage();
  const keeper = await stage.start();
  await keeper.configure();
  await keeper.want(HOST);
  await keeper.untilView(HOST, ({ source }) => source === "acme");
  stage.authority.mood = { kind: "limited", retryAfterMs: HOUR_MS };
  await (await stage.later(66 * DAY_MS)).untilView(HOST, ({ lastFailure }) => lastFailure !== undefined);
  const late = await stage.later(7 * DAY_MS);
  const view = await late.untilView(HOST, ({ state, order }) => state === "expiring" && order === undefined);
  expect(view.reason).toMatch(/^Being renewed: too many certificates; next attempt/);
  const alarm = (await late.events()).find(({ type }) => type === "certificate.expiring");
  expect(alarm?.data).toMatchObject({ name: HOST, reason: "too many certificates" });
  await (await stage.later(18 * DAY_MS)).untilView(HOST, ({ source, state }) => source === "self-signed" && state === "valid");
  stage.authority.mood = { kind: "well" };
  await (await stage.later(2 * DAY_MS)).untilView(HOST, ({ source, state }) => source === "acme" && state === "valid");
});

test("a clock that is far ahead does not make us ask without end", async () => {
  const stage = new Stage();
  stage.authority.clockAheadMs = -91 * DAY_MS;
  const keeper = await stage.start();
  await keeper.configure();
  await keeper.want(HOST);
  await keeper.until(
    () => "none was issued",
    async () => (await keeper.eventTypes()).includes("certificate.issued"),
  );
  for (let hours = 0; hours < 6; hours += 1) await stage.clock.advance(HOUR_MS);
  expect((await keeper.eventTypes()).filter((type) => type === "certificate.issued").length).toBe(1);
});

test("a clock that is behind does not keep a certificate from being served", async () => {
  const stage = new Stage();
  stage.authority.clockAheadMs = DAY_MS;
  const keeper = await stage.start();
  await keeper.configure();
  await keeper.want(HOST);
  await keeper.untilView(HOST, ({ source, state }) => source === "acme" && state === "valid");
  expect(keeper.served(HOST)).toBeDefined();
});

test("a route that goes away ends its order, and is forgotten once its certificate has ended", async () => {
  const stage = new Stage();
  stage.lacking = () => "n1";
  const keeper = await stage.start();
  await keeper.configure();
  await keeper.want(HOST);
  await keeper.untilView(HOST, ({ order }) => order?.step === "publishing");
  await keeper.want();
  expect(await keeper.view(HOST)).toBeUndefined();
  expect(keeper.supply).toMatchObject({ certificates: [], challenges: [] });
  expect(await keeper.eventTypes()).toContain("order.cancelled");
  const later = await stage.later(100 * DAY_MS);
  expect(await later.eventTypes()).toContain("certificate.forgotten");
});

test("another authority replaces what the first one issued", async () => {
  const stage = new Stage();
  const keeper = await stage.start();
  await keeper.configure("https://staging.authority.test/directory");
  await keeper.want(HOST);
  const first = await keeper.untilView(HOST, ({ source }) => source === "acme");
  await keeper.configure("https://authority.test/directory");
  await keeper.untilView(HOST, ({ source, fingerprint }) => source === "acme" && fingerprint !== first.fingerprint);
});

async function passMinute(stage: Stage, keeper: { until(what: () => string, holds: () => boolean): Promise<void> }): Promise<void> {
  await stage.clock.advance(60_000);
  let looks = 0;
  await keeper.until(
    () => "",
    () => looks++ > 3,
  );
}
