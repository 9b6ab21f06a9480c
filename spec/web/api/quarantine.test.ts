import { expect, test } from "vitest";
import type { AnyActorDefinition } from "../../../runtime/actor.ts";
import { ActorHost } from "../../../runtime/actor-host.ts";
import { addressOf } from "../../../runtime/address.ts";
import { silentLog } from "../../../runtime/log.ts";
import { noMeter } from "../../../runtime/meter.ts";
import { nactTurns } from "../../../runtime/nact-turns.ts";
import { systemClock } from "../../../runtime/system-clock.ts";
import { systemRandom } from "../../../runtime/system-random.ts";
import { operations } from "../../../actors/operations.ts";
import { tenantActor } from "../../../actors/tenant/actor.ts";
import { counter } from "../../runtime/support/counter.ts";
import { actor } from "../../runtime/support/host.ts";
import { startTestApi, TENANT, type TestApi } from "./test-api.ts";

const BROKEN = addressOf(TENANT, "counter", "broken");

/** The real host with a counter that cannot decide until it is cured. */
async function startWithCounter(): Promise<{ readonly api: TestApi; readonly host: ActorHost; readonly cure: () => void }> {
  let isCured = false;
  const sound = counter("counter");
  const decide: typeof sound.decider.decide = (...args) => {
    if (!isCured) throw new Error("cannot count");
    return sound.decider.decide(...args);
  };
  const fragile: AnyActorDefinition = { ...sound, decider: { ...sound.decider, decide } };
  let host: ActorHost | undefined;
  const api = await startTestApi({
    operations,
    hostOf: async (tenant, bus) => {
      host = new ActorHost({
        bus,
        clock: systemClock,
        // No pauses between the restarts of what failed.
        random: { id: () => systemRandom.id(), next: () => 0 },
        turns: nactTurns(),
        log: silentLog,
        meter: noMeter,
        definitions: [tenantActor({ resume: (address, poison) => void host?.resume(address, poison) }), fragile],
        servedKinds: [],
        remoteKinds: [],
      });
      await host.addTenant({ tenant: TENANT, journal: tenant.journal, epoch: 1 });
      return host;
    },
  });
  if (host === undefined) throw new Error("the API has no host");
  return { api, host, cure: () => (isCured = true) };
}

async function quarantined(api: TestApi): Promise<readonly { readonly address: string }[]> {
  const response = await api.request("/api/v1/actors?phase=quarantined");
  return ((await response.json()) as { readonly items: readonly { readonly address: string }[] }).items;
}

const resume = (api: TestApi, address: string, poison: string): Promise<Response> =>
  api.request(`/api/v1/actors/${encodeURIComponent(address)}/resume`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ poison }),
  });

test("an actor in quarantine is listed with its failure, and goes on when an administrator resumes it, which is audited", async () => {
  const { api, host, cure } = await startWithCounter();
  for (let count = 0; count < 10; count += 1) host.tell(BROKEN, { kind: "add", amount: 1 }, actor());
  host.tell(BROKEN, { kind: "add", amount: 5 }, actor());
  await expect.poll(() => quarantined(api)).toMatchObject([{ address: BROKEN, depth: 1, failure: "cannot count" }]);
  cure();
  expect((await resume(api, BROKEN, "drop")).status).toBe(200);
  await expect.poll(() => quarantined(api)).toEqual([]);
  const reply = await host.ask(BROKEN, { kind: "add", amount: 1 }, actor(), { timeoutMs: 10_000 });
  expect(reply).toEqual({ kind: "ok", value: { total: 6 } });
  const audit = (await (await api.request("/api/v1/audit?operation=actors.resume")).json()) as { readonly items: readonly unknown[] };
  expect(audit.items).toMatchObject([{ outcome: "accepted", after: { address: BROKEN, poison: "drop" } }]);
});

test("an actor that is well, or that nobody knows, is not resumed, and it is said why", async () => {
  const { api } = await startWithCounter();
  const response = await resume(api, addressOf(TENANT, "counter", "nobody"), "retry");
  expect(response.status).toBe(409);
  expect(await response.json()).toMatchObject({ code: "actor.not-quarantined", detail: expect.stringMatching(/is not active here/) });
});
