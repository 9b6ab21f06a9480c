import Database from "better-sqlite3";
import * as fc from "fast-check";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Commit } from "../../runtime/journal.ts";
import { TenantFileError } from "../../storage/failure.ts";
import { journalTables } from "../../storage/migrations/0001-journal.ts";
import { sealedTables } from "../../storage/migrations/0002-sealed.ts";
import { openMemoryTenant } from "../../storage/memory-tenant.ts";
import { TenantReader } from "../../storage/tenant-reader.ts";
import { TenantStore } from "../../storage/tenant-store.ts";
import { deployment, directoryOfTest, EPOCH, refusal, scaling, TENANT } from "./sample.ts";

function storeAt(path: string): TenantStore {
  const store = new TenantStore({ path, tenant: TENANT, nowMs: 1 });
  onTestFinished(() => store.close());
  store.claim(EPOCH);
  return store;
}

test("neither an event nor an audit entry can be changed or deleted", () => {
  const store = storeAt(":memory:");
  store.commitGroup([scaling("c1", 0)]);
  for (const statement of [
    "update events set type = 'x'",
    "delete from events",
    "update audit set outcome = 'refused'",
    "delete from audit",
  ]) {
    expect(() => store.database.exec(statement)).toThrow("append-only");
  }
});

test("rows of another tenant in the same file are never seen", () => {
  const store = storeAt(":memory:");
  store.commitGroup([scaling("c1", 0)]);
  const { database } = store;
  const stream = deployment("web");
  database.exec(`
    insert into events values (900, 'other', '${stream}', 2, 'x', 1, 1, '{}', '{}');
    insert into audit values (900, 'other', 1, 'x', '${stream}', 'accepted', null, null, null, 'ada', '{}');
    insert into rows values (900, 'other', 'deployment', 'theirs', '${TENANT}', '{"replicas":0}', 900, 1);
    insert into outbox values (900, 'other', 'theirs', 'x', 'x', 'x', '{}');
    insert into commands values (900, 'other', '${stream}', 'theirs', 1, '"secret"');
    insert into streams values ('other', 'other/deployment/x');
    insert into snapshots values ('other', '${stream}', 9, 1, '"secret"');
    insert into owner values ('other', 99);
  `);
  const reader = new TenantReader(database, TENANT);
  expect(store.load(stream)).toMatchObject({ snapshot: undefined, version: 1 });
  expect(store.recall(stream, "theirs")).toBeUndefined();
  expect(store.pending(10)).toHaveLength(1);
  expect(store.streams()).toEqual([stream]);
  expect(reader.row("deployment", "theirs").row).toBeUndefined();
  expect(reader.rows({ kind: "deployment", limit: 9 }).items).toHaveLength(1);
  expect(reader.rows({ kind: "deployment", parent: TENANT, where: { replicas: 0 }, limit: 9 }).items).toHaveLength(1);
  expect(reader.events({ afterOffset: 0, limit: 9 }).items).toHaveLength(1);
  expect(reader.audit({ limit: 9, resource: stream }).items).toHaveLength(1);
  expect(store.commitGroup([scaling("c2", 1)])[0]).toMatchObject({ kind: "committed", version: 2 });
});

describe("opening a file", () => {
  const problemOf = (open: () => unknown): TenantFileError => {
    try {
      open();
    } catch (error) {
      if (error instanceof TenantFileError) return error;
      throw error;
    }
    throw new Error("it was opened");
  };

  test("of a newer Odysseus is refused with what to do", () => {
    const path = join(directoryOfTest(), "acme.db");
    storeAt(path).database.exec("insert into migrations values (999, 'from the future', 'acme', 1)");
    const error = problemOf(() => storeAt(path));
    expect(error).toMatchObject({ problem: "newer", path });
    expect(error.message).toContain("start the newer Odysseus");
  });

  test("of another tenant is refused", () => {
    const path = join(directoryOfTest(), "acme.db");
    storeAt(path);
    expect(problemOf(() => new TenantStore({ path, tenant: "globex", nowMs: 1 })).problem).toBe("other-tenant");
  });

  test("that is damaged is refused with its path, and nothing of it is changed", async () => {
    const { readFileSync, writeFileSync } = await import("node:fs");
    const path = join(directoryOfTest(), "acme.db");
    const store = new TenantStore({ path, tenant: TENANT, nowMs: 1 });
    store.claim(EPOCH);
    for (let version = 0; version < 200; version += 1) store.commitGroup([scaling(`c${version}`, version)]);
    store.close();
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 4_096 * 3, 4_096 * 20);
    writeFileSync(path, bytes);
    expect(problemOf(() => storeAt(path))).toMatchObject({ problem: "damaged", path });
    expect(readFileSync(path).equals(bytes)).toBe(true);

    writeFileSync(path, "this was a database once");
    expect(problemOf(() => storeAt(path)).message).toContain("restore it from a backup");
  });

  test("of an older Odysseus keeps the rows that people read", () => {
    const path = join(directoryOfTest(), "acme.db");
    const older = new Database(path);
    older.exec(`${journalTables} ${sealedTables}
      create table migrations (number integer primary key, name text not null, tenant text not null, at_ms integer not null) strict;
      insert into migrations values (1, 'journal', '${TENANT}', 1), (2, 'sealed', '${TENANT}', 1);
      insert into rows values ('${TENANT}', 'deployment', 'web', '', '{"replicas":3}', 7, 8), ('${TENANT}', 'container', 'web.1.1', 'web', '{}', 9, 10);
    `);
    older.close();
    const reader = new TenantReader(storeAt(path).database, TENANT);
    expect(reader.rows({ kind: "deployment", limit: 9 }).items).toEqual([
      { id: "web", parent: "", body: { replicas: 3 }, offset: 7, updatedAtMs: 8 },
    ]);
    expect(reader.rows({ kind: "container", parent: "web", limit: 9 }).items).toMatchObject([{ id: "web.1.1" }]);
  });

  test("keeps what was written by the one before", () => {
    const path = join(directoryOfTest(), "acme.db");
    const before = storeAt(path);
    before.commitGroup([scaling("c1", 0), refusal("c2", 1)]);
    before.close();
    const after = storeAt(path);
    expect(after.load(deployment("web")).version).toBe(1);
    expect(after.commitGroup([scaling("c1", 0)])[0]).toMatchObject({ kind: "duplicate" });
    expect(new TenantReader(after.database, TENANT).audit({ limit: 1 }).items[0]?.number).toBe(2);
  });
});

test("a row that changes is read as it is now, under the parent it has now", () => {
  const store = storeAt(":memory:");
  const put = (version: number, parent: string): Commit =>
    scaling(`c${version}`, version, { rows: [{ change: "put", kind: "container", id: "one", parent, body: { version } }] });
  store.commitGroup([put(0, "web"), put(1, "web"), put(2, "api")]);
  const reader = new TenantReader(store.database, TENANT);
  expect(reader.rows({ kind: "container", parent: "web", limit: 9 }).items).toEqual([]);
  expect(reader.rows({ kind: "container", parent: "api", limit: 9 }).items).toMatchObject([{ body: { version: 2 }, offset: 3 }]);
});

test("a write that another program blocks is answered, not waited for without end", { timeout: 20_000 }, () => {
  const path = join(directoryOfTest(), "acme.db");
  const store = storeAt(path);
  store.database.pragma("busy_timeout = 50");
  const other = new Database(path);
  other.exec("begin immediate");
  expect(store.commitGroup([scaling("c1", 0)])[0]).toMatchObject({ kind: "failed", reason: "overloaded" });
  other.exec("rollback");
  other.close();
  expect(store.commitGroup([scaling("c1", 0)])[0]).toMatchObject({ kind: "committed" });
});

test("old replies are forgotten in small steps, the newest are kept however old they seem", () => {
  const store = storeAt(":memory:");
  const YEAR_MS = 365 * 24 * 3_600_000;
  const count = () => store.database.prepare<[], number>("select count(*) from commands").pluck().get() ?? 0;
  const commits = Array.from({ length: 11_000 }, (_, index) => scaling(`c${index}`, index, { audit: [], outbox: [], rows: [] }));
  store.commitGroup(commits);
  expect(count()).toBe(11_000);
  for (let index = 0; index < 5; index += 1) store.commitGroup([scaling(`later${index}`, 11_000 + index, { atMs: YEAR_MS })]);
  expect(count()).toBeGreaterThanOrEqual(10_000);
  expect(count()).toBeLessThan(10_010);
  expect(store.recall(deployment("web"), "c10999")).toBeDefined();
  expect(store.recall(deployment("web"), "c0")).toBeUndefined();
});

describe("whatever is committed in whatever order", () => {
  type Step = {
    readonly stream: number;
    readonly command: number;
    readonly lag: number;
    readonly epoch: number;
    readonly events: number;
    readonly notes: number;
    readonly isRefusal: boolean;
  };
  const step: fc.Arbitrary<Step> = fc.record({
    stream: fc.integer({ min: 0, max: 2 }),
    command: fc.integer({ min: 0, max: 30 }),
    lag: fc.constantFrom(0, 0, 0, 1),
    epoch: fc.constantFrom(2, 2, 2, 1),
    events: fc.integer({ min: 0, max: 3 }),
    notes: fc.integer({ min: 0, max: 3 }),
    isRefusal: fc.boolean(),
  });

  test("the store answers as its model does", () => {
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 8 }), { maxLength: 12 }), (groups) => {
        const { store } = openMemoryTenant({ tenant: TENANT });
        store.claim(2);
        const model = { versions: new Map<string, number>(), replies: new Map<string, unknown>(), offset: 0, audits: 0 };
        for (const [turn, group] of groups.entries()) {
          const versions = new Map(model.versions);
          const commits = group.map((item, index) => commitOf(item, versions, `${turn}-${index}`));
          const expected = commits.map((commit) => answerOfModel(model, commit));
          const answered = store
            .commitGroup(commits)
            .map((result) => (result.kind === "duplicate" ? { ...result, reply: JSON.parse(result.reply) } : result));
          expect(answered).toEqual(expected);
        }
        const audit = store.database.prepare<[], number>("select number from audit order by number").pluck().all();
        expect(audit).toEqual(Array.from({ length: model.audits }, (_, index) => index + 1));
        const offsets = store.database.prepare<[], number>("select offset from events order by offset").pluck().all();
        expect(offsets).toEqual(Array.from({ length: model.offset }, (_, index) => index + 1));
        for (const [stream, version] of model.versions) expect(store.load(stream as Commit["stream"]).version).toBe(version);
        store.close();
      }),
      { numRuns: 200 },
    );
  });

  /** Decisions of one group on one stream follow each other, unless the step lags behind. */
  function commitOf(item: Step, versions: Map<string, number>, unique: string): Commit {
    const stream = deployment(`web-${item.stream}`);
    const version = versions.get(stream) ?? 0;
    const events = item.isRefusal ? [] : Array.from({ length: item.events }, () => ({ type: "x", schema: 1, data: unique }));
    if (item.lag === 0 && item.epoch === 2) versions.set(stream, version + events.length);
    return scaling(`c${item.command}`, version - item.lag, {
      stream,
      epoch: item.epoch,
      events,
      reply: item.isRefusal ? undefined : { value: unique },
      audit: Array.from({ length: item.notes }, () => ({ operation: "x", resource: stream, outcome: "accepted" as const })),
      outbox: [],
      rows: [],
    });
  }

  function answerOfModel(
    model: { versions: Map<string, number>; replies: Map<string, unknown>; offset: number; audits: number },
    commit: Commit,
  ): unknown {
    if (commit.epoch < 2) return { kind: "fenced", epoch: 2 };
    const version = model.versions.get(commit.stream) ?? 0;
    const key = `${commit.stream} ${commit.meta.commandId}`;
    if (model.replies.has(key)) return { kind: "duplicate", reply: model.replies.get(key) };
    if (version !== commit.expectedVersion) return { kind: "conflict", version };
    if (commit.reply !== undefined) model.replies.set(key, commit.reply.value);
    model.versions.set(commit.stream, version + commit.events.length);
    model.offset += commit.events.length;
    model.audits += commit.audit.length;
    return { kind: "committed", version: version + commit.events.length, offset: model.offset };
  }
});
