import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { CommitGate } from "../../storage/commit-gate.ts";
import { CommitUncertain } from "../../storage/failure.ts";
import { type OpenTenant, openTenant, type OpenTenantOptions } from "../../storage/tenant-files.ts";
import { TenantStore } from "../../storage/tenant-store.ts";
import { requireCapability } from "../support/capability.ts";
import { deployment, directoryOfTest, EPOCH, scaling, TENANT } from "./sample.ts";

const CHILD = fileURLToPath(new URL("./child/main.ts", import.meta.url));

/** Several processes one after the other, on a machine that may be busy. */
const PROCESSES_TIMEOUT_MS = 120_000;
const ENOUGH_COMMITS = 400;

async function openInTest(options: Partial<OpenTenantOptions> = {}): Promise<OpenTenant & { readonly directory: string }> {
  const directory = options.directory ?? directoryOfTest();
  const tenant = await openTenant({ directory, tenant: TENANT, ...options });
  onTestFinished(() => tenant.close());
  await tenant.journal.claim(EPOCH);
  return { ...tenant, directory };
}

function startChild(what: string, directory: string): ChildProcess {
  const child = spawn(process.execPath, [CHILD, what, directory], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [line] = (await once(createInterface(child.stdout!), "line")) as [string];
  return line;
}

test("the files belong to this user alone", async () => {
  const directory = join(directoryOfTest(), "tenants");
  const { journal } = await openInTest({ directory });
  await journal.commit(scaling("c1", 0));
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  const modes = readdirSync(directory).map((name) => [name, (statSync(join(directory, name)).mode & 0o777).toString(8)]);
  expect(modes.map(([name]) => name)).toContain("acme.db-wal");
  expect(new Set(modes.map(([, mode]) => mode))).toEqual(new Set(["600"]));
});

test(
  "a second process on the same files is told who has them, and may have them as soon as the first is gone",
  { timeout: PROCESSES_TIMEOUT_MS },
  async () => {
    const directory = directoryOfTest();
    const holder = startChild("hold", directory);
    expect(await firstLine(holder)).toBe("open");
    await expect(openTenant({ directory, tenant: TENANT })).rejects.toMatchObject({
      problem: "in-use",
      message: expect.stringContaining(`process ${holder.pid}`),
    });
    holder.kill("SIGKILL");
    await once(holder, "exit");
    await openInTest({ directory });
  },
);

test("the same process cannot open a tenant twice", async () => {
  const { directory } = await openInTest();
  await expect(openTenant({ directory, tenant: TENANT })).rejects.toMatchObject({ problem: "in-use" });
});

test("closing leaves one whole file, and it opens again", async () => {
  const directory = directoryOfTest();
  const tenant = await openTenant({ directory, tenant: TENANT });
  await tenant.journal.claim(EPOCH);
  const last = tenant.journal.commit(scaling("c1", 0));
  await tenant.close();
  expect(await last).toMatchObject({ kind: "committed" });
  expect(existsSync(join(directory, "acme.db-wal"))).toBe(false);
  const again = await openInTest({ directory });
  expect((await again.journal.load(deployment("web"))).version).toBe(1);
});

test("kill -9 in the middle of writing loses nothing acknowledged and doubles nothing", { timeout: PROCESSES_TIMEOUT_MS }, async () => {
  const directory = directoryOfTest();
  const acknowledged = new Map<string, number>();
  for (let round = 0; round < 3; round += 1) {
    const child = startChild("commit-for-ever", directory);
    let heard = 0;
    createInterface(child.stdout!).on("line", (line) => {
      const [caller = "", version] = line.split(" ");
      acknowledged.set(caller, Number(version));
      heard += 1;
      if (heard === ENOUGH_COMMITS) child.kill("SIGKILL");
    });
    await once(child, "close");
  }
  const { journal, reads } = await openInTest({ directory });
  expect(acknowledged.size).toBe(8);
  let total = 0;
  for (const [caller, version] of acknowledged) {
    const stream = deployment(`web-${caller}`);
    const { events } = await journal.load(stream);
    expect(events.length).toBeGreaterThanOrEqual(version);
    expect(events.map((event) => event.version)).toEqual(events.map((_, index) => index + 1));
    expect(new Set(events.map((event) => event.meta.commandId)).size).toBe(events.length);
    expect(await journal.recall(stream, `c${version - 1}`)).toBeDefined();
    total += events.length;
  }
  expect(await journal.pending(10_000)).toHaveLength(total);
  expect((await reads.audit({ limit: 1 })).items[0]?.number).toBe(total);
});

test("when the writing thread dies, what was underway is uncertain, and the journal goes on", async () => {
  const commitGate = new CommitGate();
  const tenant = await openInTest({ commitGate });
  await tenant.journal.commit(scaling("c1", 0));
  commitGate.close();
  // Caught from the start: it is refused while the workers are being killed.
  const underway = tenant.journal.commit(scaling("c2", 1)).catch((error: unknown) => error);
  await expect.poll(() => commitGate.held).toBe(1);
  const recalled = tenant.journal.recall(deployment("web"), "c1");
  await tenant.killWorkers();
  commitGate.open();
  expect(await underway).toBeInstanceOf(CommitUncertain);
  expect(await recalled).toEqual({ value: { acceptedAs: "c1" } });

  const { version } = await tenant.journal.load(deployment("web"));
  const result = await tenant.journal.commit(scaling("c2", version));
  expect(result.kind).toBe("duplicate");
  expect((await tenant.journal.load(deployment("web"))).version).toBe(2);
  expect((await tenant.reads.events({ afterOffset: 0, limit: 9 })).items).toHaveLength(2);
});

test("beyond its bound the queue refuses at once", async () => {
  const { journal } = await openInTest();
  const results = await Promise.all(
    Array.from({ length: 10_100 }, (_, index) => journal.commit(scaling(`c${index}`, index, { audit: [], outbox: [], rows: [] }))),
  );
  expect(results.filter(({ kind }) => kind === "committed")).toHaveLength(10_000);
  expect(results.at(-1)).toMatchObject({ kind: "failed", reason: "overloaded" });
});

test("while the disk keeps every write to itself, the loop turns and what is asked is read", async () => {
  const commitGate = new CommitGate();
  const { journal, reads } = await openInTest({ commitGate });
  commitGate.close();
  let written = 0;
  const callers = Array.from({ length: 8 }, async (_, index) => {
    const result = await journal.commit(scaling("c0", 0, { stream: deployment(`web-${index}`) }));
    written += 1;
    return result.kind;
  });
  await expect.poll(() => commitGate.held).toBeGreaterThan(0);
  for (let count = 0; count < 1_000; count += 1) await reads.row("deployment", "web-0");
  expect(written).toBe(0);
  commitGate.open();
  expect(new Set(await Promise.all(callers))).toEqual(new Set(["committed"]));
});

test("a full disk fails whole groups in words, and the store goes on when there is room", () => {
  const store = new TenantStore({ path: join(directoryOfTest(), "acme.db"), tenant: TENANT, nowMs: 1 });
  onTestFinished(() => store.close());
  store.claim(EPOCH);
  store.database.pragma("max_page_count = 60");
  let version = 0;
  let results = store.commitGroup([scaling("c0", 0), scaling("c1", 1)]);
  while (results[0]?.kind === "committed") {
    version += 2;
    results = store.commitGroup([scaling(`c${version}`, version), scaling(`c${version + 1}`, version + 1)]);
  }
  expect(results).toEqual([results[0], results[0]]);
  expect(results[0]).toMatchObject({ kind: "failed", reason: "disk-full", message: expect.stringContaining("free some space") });
  expect(store.load(deployment("web")).version).toBe(version);
  store.database.pragma("max_page_count = 10000");
  expect(store.commitGroup([scaling(`c${version}`, version)])[0]).toMatchObject({ kind: "committed", version: version + 1 });
});

const describeAsRoot = await requireCapability("root");
describeAsRoot("on a disk of its own", () => {
  /** In a mount namespace of its own, so that nothing stays mounted whatever happens. */
  async function onSmallDisk(script: string): Promise<readonly string[]> {
    const directory = directoryOfTest();
    const run = `set -e; mount -t tmpfs -o size=2m,mode=700 none ${directory}; ${script.replaceAll("DISK", directory).replaceAll("CHILD", `${process.execPath} ${CHILD}`)}`;
    const { stdout } = await promisify(execFile)("unshare", ["--mount", "sh", "-c", run]);
    return stdout.trim().split("\n");
  }

  test("a full disk refuses in words, keeps what it acknowledged, and works again when there is room", async () => {
    const lines = await onSmallDisk("head -c 1200000 /dev/zero > DISK/filler; CHILD fill-disk DISK/tenants");
    const [first, , , counts, after] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(first).toMatchObject({ kind: "failed", reason: "disk-full" });
    expect(counts?.acknowledged).toBeGreaterThan(10);
    expect(counts?.stored).toBe(counts?.acknowledged);
    expect(after).toMatchObject({ kind: "committed" });
  });

  test("a disk that is full from the start is named", async () => {
    const [line = ""] = await onSmallDisk("mkdir DISK/tenants; head -c 3000000 /dev/zero > DISK/filler || true; CHILD open DISK/tenants");
    expect(JSON.parse(line)).toMatchObject({ problem: "disk-full", message: expect.stringContaining("acme.db") });
  });

  test("a read-only disk is named", async () => {
    const [line = ""] = await onSmallDisk("mkdir DISK/tenants; mount -o remount,ro DISK; CHILD open DISK/tenants");
    expect(JSON.parse(line)).toMatchObject({ problem: "read-only", message: expect.stringContaining("permissions") });
  });
});

test("a listener learns of every group, in order", async () => {
  const { journal, reads } = await openInTest();
  const heard: number[] = [];
  reads.onCommitted((offset) => heard.push(offset));
  await Promise.all(Array.from({ length: 500 }, (_, index) => journal.commit(scaling(`c${index}`, index))));
  await expect.poll(() => heard.at(-1)).toBe(500);
  expect(heard).toEqual([...heard].sort((a, b) => a - b));
});
