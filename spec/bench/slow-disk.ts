import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { CommitGate } from "../../storage/commit-gate.ts";
import { openMemoryTenant } from "../../storage/memory-tenant.ts";
import { openTenant } from "../../storage/tenant-files.ts";
import { counterAddress, hostCounters, person, TENANT } from "../runtime/support/host.ts";

/** How long the loop is kept from its next turn while each group of commits takes 50 ms, as on a bad disk. The aim is a p99 below 20 ms. */
const COMMIT_MS = 50;
const RUN_MS = 5_000;
const ACTORS = 20;
const COMMANDS_AT_ONCE = 10;

const limits = { timeoutMs: 30_000 };
const directory = mkdtempSync(join(tmpdir(), "odysseus-bench-"));
const commitGate = new CommitGate(COMMIT_MS);
const tenant = await openTenant({ directory, tenant: TENANT, commitGate });
const counters = await hostCounters({}, { ...openMemoryTenant({ tenant: TENANT }), journal: tenant.journal, reads: tenant.reads });
const addresses = Array.from({ length: ACTORS }, (_, index) => counterAddress(`slow-${index}`));
const add = (address: (typeof addresses)[number]) => counters.host.ask(address, { kind: "add", amount: 1 }, person(), limits);

await Promise.all(addresses.map(add));
commitGate.close();
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const endsAtMs = performance.now() + RUN_MS;
let answered = 0;
await Promise.all(
  addresses.map(async (address) => {
    while (performance.now() < endsAtMs) {
      await Promise.all(Array.from({ length: COMMANDS_AT_ONCE }, () => add(address)));
      answered += COMMANDS_AT_ONCE;
    }
  }),
);
delay.disable();
const figure = (percentile: number): string => `${(delay.percentile(percentile) / 1e6).toFixed(1)} ms`;
console.log(
  `each group of commits takes ${COMMIT_MS} ms: ${Math.round((answered / RUN_MS) * 1_000)} commands/s, loop delay p50 ${figure(50)}, p99 ${figure(99)}, most ${(delay.max / 1e6).toFixed(1)} ms`,
);
commitGate.open();
await counters.stop();
await tenant.close();
rmSync(directory, { recursive: true });
