import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { addressOf } from "../../runtime/address.ts";
import type { Commit } from "../../runtime/journal.ts";
import { TenantStore } from "../../storage/tenant-store.ts";
import { openTenant } from "../../storage/tenant-files.ts";

/**
 * Durable commands per second of one tenant: each is an event, an audit entry, an outbox message and a remembered reply, on a real file with
 * synchronous FULL. The rival is the same library and the same statements with a transaction per command on the main thread.
 */
const TENANT = "acme";
const RUN_MS = 3_000;
const CALLERS = [1, 16, 512];
const EPOCH = 1;

function commitOf(caller: number, version: number): Commit {
  const stream = addressOf(TENANT, "deployment", `web-${caller}`);
  const commandId = `01k${String(version).padStart(8, "0")}-${caller}`;
  return {
    stream,
    expectedVersion: version,
    epoch: EPOCH,
    atMs: Date.now(),
    meta: { commandId, principal: { kind: "user", id: "ada", role: "admin" }, via: "api", correlationId: commandId },
    events: [{ type: "deployment.scaled", schema: 1, data: { replicas: version % 10, previous: 3, reason: "asked for" } }],
    reply: { value: { deployment: "web", replicas: version % 10, revision: 4 } },
    audit: [
      {
        operation: "deployments.scale",
        resource: stream,
        outcome: "accepted",
        before: { replicas: 3 },
        after: { replicas: version % 10 },
      },
    ],
    outbox: [
      {
        id: `${stream}/${version + 1}/0`,
        from: stream,
        to: addressOf(TENANT, "scheduler"),
        message: { kind: "place", slot: "web-1", cpuMillis: 250, memoryBytes: 268_435_456 },
        correlationId: commandId,
      },
    ],
    rows: [],
  };
}

async function withDirectory<Result>(run: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = mkdtempSync(join(process.env.ODYSSEUS_BENCH_DIRECTORY ?? tmpdir(), "odysseus-bench-"));
  try {
    return await run(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function groupCommit(callers: number): Promise<string> {
  return withDirectory(async (directory) => {
    const tenant = await openTenant({ directory, tenant: TENANT });
    await tenant.journal.claim(EPOCH);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const cpuBefore = process.cpuUsage();
    const startMs = performance.now();
    const caller = async (index: number): Promise<number> => {
      let version = 0;
      while (performance.now() - startMs < RUN_MS) {
        const result = await tenant.journal.commit(commitOf(index, version));
        if (result.kind !== "committed") throw new Error(JSON.stringify(result));
        version = result.version;
      }
      return version;
    };
    const counts = await Promise.all(Array.from({ length: callers }, (_, index) => caller(index)));
    const total = counts.reduce((sum, count) => sum + count, 0);
    const perSecond = total / ((performance.now() - startMs) / 1000);
    const cpu = process.cpuUsage(cpuBefore);
    const cpuMicros = `${((cpu.user + cpu.system) / total).toFixed(0)} us of CPU each`;
    delay.disable();
    await tenant.close();
    return `journal, ${callers} callers: ${Math.round(perSecond)} commands/s, ${cpuMicros}, loop delay p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms`;
  });
}

async function openings(): Promise<string> {
  return withDirectory(async (directory) => {
    const times: string[] = [];
    for (const what of ["create", "reopen"]) {
      const startMs = performance.now();
      const tenant = await openTenant({ directory, tenant: TENANT });
      await tenant.journal.claim(EPOCH);
      times.push(`${what} ${(performance.now() - startMs).toFixed(0)} ms`);
      await tenant.close();
    }
    return `a tenant's files with both threads: ${times.join(", ")}`;
  });
}

/** Also without any disk: what the statements alone cost. */
async function oneByOne(name: string, pathIn: (directory: string) => string, groupSize: number): Promise<string> {
  return withDirectory(async (directory) => {
    const store = new TenantStore({ path: pathIn(directory), tenant: TENANT, nowMs: Date.now() });
    store.claim(EPOCH);
    const startMs = performance.now();
    let count = 0;
    while (performance.now() - startMs < RUN_MS) {
      const version = count / groupSize;
      store.commitGroup(Array.from({ length: groupSize }, (_, caller) => commitOf(caller, version)));
      count += groupSize;
    }
    const perSecond = count / ((performance.now() - startMs) / 1000);
    store.close();
    return `${name}: ${Math.round(perSecond)} commands/s`;
  });
}

console.log(await openings());
console.log(await oneByOne("rival, a transaction per command on the main thread", (directory) => join(directory, "rival.db"), 1));
for (const callers of CALLERS) console.log(await groupCommit(callers));
console.log(await oneByOne("groups of 256 on the main thread", (directory) => join(directory, "groups.db"), 256));
console.log(await oneByOne("groups of 256 without a disk", () => ":memory:", 256));
