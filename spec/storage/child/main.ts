import { openTenant } from "../../../storage/tenant-files.ts";
import { deployment, EPOCH, scaling, TENANT } from "../sample.ts";

/** A process for tests that need one of its own: `main.ts <what> <path>`. Prints a line per thing that happened. */
const [what, path = ""] = process.argv.slice(2);
const CALLERS = 8;

/** Commits for ever, and says what was acknowledged: `<caller> <version>`. */
async function commitForEver(directory: string): Promise<void> {
  const tenant = await openTenant({ directory, tenant: TENANT });
  await tenant.journal.claim(EPOCH);
  const caller = async (index: number): Promise<void> => {
    const stream = deployment(`web-${index}`);
    for (let { version } = await tenant.journal.load(stream); ;) {
      const result = await tenant.journal.commit(scaling(`c${version}`, version, { stream }));
      if (result.kind !== "committed") throw new Error(JSON.stringify(result));
      ({ version } = result);
      process.stdout.write(`${index} ${version}\n`);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, index) => caller(index)));
}

/** Opens and says `open`, then waits to be killed. */
async function hold(directory: string): Promise<void> {
  await openTenant({ directory, tenant: TENANT });
  process.stdout.write("open\n");
}

/** Commits until it is refused, then goes on once the file named by `<path>.filler` is gone; says every answer's kind as it changes. */
async function fillDisk(directory: string): Promise<void> {
  const { rmSync } = await import("node:fs");
  const tenant = await openTenant({ directory, tenant: TENANT });
  await tenant.journal.claim(EPOCH);
  let version = 0;
  let failures = 0;
  while (failures < 3) {
    const result = await tenant.journal.commit(scaling(`c${version}`, version));
    if (result.kind === "committed") ({ version } = result);
    else {
      failures += 1;
      process.stdout.write(`${JSON.stringify(result)}\n`);
    }
  }
  const { events } = await tenant.journal.load(deployment("web"));
  process.stdout.write(`${JSON.stringify({ acknowledged: version, stored: events.length })}\n`);
  rmSync(`${directory}/../filler`);
  process.stdout.write(`${JSON.stringify(await tenant.journal.commit(scaling(`c${version}`, version)))}\n`);
  await tenant.close();
}

/** Tries to open, and says the problem. */
async function open(directory: string): Promise<void> {
  try {
    await openTenant({ directory, tenant: TENANT });
    process.stdout.write("open\n");
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ problem: (error as { problem?: string }).problem, message: (error as Error).message })}\n`);
  }
}

const parts: Readonly<Record<string, (path: string) => Promise<void>>> = {
  "commit-for-ever": commitForEver,
  hold,
  "fill-disk": fillDisk,
  open,
};
await parts[what ?? ""]?.(path);
