import type { Meta } from "../../../runtime/journal.ts";
import { ActorHost, type ActorHostOptions } from "../../../runtime/actor-host.ts";
import { addressOf } from "../../../runtime/address.ts";
import { MemoryBroker } from "../../../runtime/memory-bus.ts";
import { silentLog } from "../../../runtime/log.ts";
import { noMeter } from "../../../runtime/meter.ts";
import { nactTurns } from "../../../runtime/nact-turns.ts";
import { systemClock } from "../../../runtime/system-clock.ts";
import { systemRandom } from "../../../runtime/system-random.ts";
import { openMemoryTenant, type MemoryTenant } from "../../../storage/memory-tenant.ts";
import { counter, type CounterTrace } from "./counter.ts";

export const TENANT = "acme";
export const EPOCH = 1;

let commands = 0;

export function freshCommandId(): string {
  commands += 1;
  return `command-${commands}`;
}

export function person(commandId = freshCommandId()): Meta {
  return { commandId, principal: { kind: "user", id: "ada", role: "operator" }, via: "cli", correlationId: `correlation-${commandId}` };
}

export function actor(commandId = freshCommandId()): Meta {
  return {
    commandId,
    principal: { kind: "system", id: "acme/other/one", role: "system" },
    via: "system",
    correlationId: `correlation-${commandId}`,
  };
}

export const counterAddress = (name: string, kind = "counter") => addressOf(TENANT, kind, name);

export interface HostedCounters {
  readonly host: ActorHost;
  readonly tenant: MemoryTenant;
  readonly trace: CounterTrace;
  stop(): Promise<void>;
}

/** A real host on real cells, with counters of kinds `counter` and `other` and the tenant's SQL in memory. */
export async function hostCounters(
  overrides: Partial<ActorHostOptions> = {},
  tenant = openMemoryTenant({ tenant: TENANT }),
): Promise<HostedCounters> {
  const trace: CounterTrace = { committed: [], receivedAt: new Map() };
  const bus = new MemoryBroker(systemClock).connect("host");
  const host = new ActorHost({
    bus,
    clock: systemClock,
    random: systemRandom,
    turns: nactTurns(),
    log: silentLog,
    meter: noMeter,
    definitions: [counter("counter", trace), counter("other", trace)],
    servedKinds: ["counter"],
    remoteKinds: [],
    ...overrides,
  });
  await tenant.journal.claim(EPOCH);
  await host.addTenant({ tenant: TENANT, journal: tenant.journal, epoch: EPOCH });
  host.start();
  return { host, tenant, trace, stop: () => host.stop() };
}
