import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Journal, ReadModel } from "../../runtime/journal.ts";
import { openMemoryTenant } from "../../storage/memory-tenant.ts";
import { openTenant } from "../../storage/tenant-files.ts";
import { deployment, EPOCH, metaOf, refusal, scaling, TENANT } from "./sample.ts";

interface Subject {
  readonly journal: Journal;
  readonly reads: ReadModel;
  close(): Promise<void>;
}

const subjects: readonly { readonly name: string; readonly open: () => Promise<Subject> }[] = [
  {
    name: "a tenant in memory",
    open: async () => {
      const tenant = openMemoryTenant({ tenant: TENANT });
      return { ...tenant, close: async () => tenant.store.close() };
    },
  },
  {
    name: "a tenant on disk behind its threads",
    open: async () => {
      const directory = mkdtempSync(join(tmpdir(), "odysseus-contract-"));
      const tenant = await openTenant({ directory, tenant: TENANT });
      return {
        ...tenant,
        close: async () => {
          await tenant.close();
          rmSync(directory, { recursive: true });
        },
      };
    },
  },
];

describe.each(subjects)("$name", ({ open }) => {
  let subject: Subject;
  let journal: Journal;
  let reads: ReadModel;

  beforeEach(async () => {
    subject = await open();
    ({ journal, reads } = subject);
    await journal.claim(EPOCH);
  });
  afterEach(() => subject.close());

  test("a decision is there to be loaded, with everything that was written beside it", async () => {
    expect(await journal.commit(scaling("c1", 0))).toEqual({ kind: "committed", version: 1, offset: 1 });

    const { events, version, snapshot } = await journal.load(deployment("web"));
    expect(version).toBe(1);
    expect(snapshot).toBeUndefined();
    expect(events).toEqual([
      {
        offset: 1,
        stream: deployment("web"),
        version: 1,
        type: "deployment.scaled",
        schema: 1,
        data: { replicas: 0 },
        atMs: 1_000,
        meta: metaOf("c1"),
      },
    ]);
    expect(await journal.recall(deployment("web"), "c1")).toEqual({ value: { acceptedAs: "c1" } });
    expect(await journal.pending(10)).toEqual(scaling("c1", 0).outbox);
    expect(await journal.streams()).toEqual([deployment("web")]);
    expect((await reads.row("deployment", deployment("web"))).row).toMatchObject({
      parent: TENANT,
      body: { replicas: 0 },
      offset: 1,
      updatedAtMs: 1_000,
    });
    expect((await reads.audit({ limit: 5 })).items).toEqual([{ ...scaling("c1", 0).audit[0], number: 1, atMs: 1_000, meta: metaOf("c1") }]);
  });

  test("a stream nobody has written is empty", async () => {
    expect(await journal.load(deployment("nothing"))).toEqual({ snapshot: undefined, events: [], version: 0 });
    expect(await journal.recall(deployment("nothing"), "c1")).toBeUndefined();
    expect(await reads.row("deployment", "nothing")).toEqual({ row: undefined, asOfOffset: 0 });
  });

  test("a decision on an old version is a conflict and writes nothing", async () => {
    await journal.commit(scaling("c1", 0));
    expect(await journal.commit(scaling("c2", 0))).toEqual({ kind: "conflict", version: 1 });
    expect(await journal.commit(refusal("c3", 0))).toEqual({ kind: "conflict", version: 1 });
    expect(await journal.pending(10)).toHaveLength(1);
    expect((await reads.audit({ limit: 5 })).items).toHaveLength(1);
  });

  test("the same command twice acts once and is answered alike, whatever happened in between", async () => {
    await journal.commit(scaling("c1", 0));
    await journal.commit(scaling("c2", 1));
    const again = { kind: "duplicate", reply: { acceptedAs: "c1" } };
    expect(await journal.commit(scaling("c1", 0))).toEqual(again);
    expect(await journal.commit(scaling("c1", 2))).toEqual(again);
    expect(await journal.commit(refusal("c1", 2))).toEqual(again);
    expect((await journal.load(deployment("web"))).version).toBe(2);
  });

  test("one command id may be used for different streams", async () => {
    await journal.commit(scaling("c1", 0));
    expect((await journal.commit(scaling("c1", 0, { stream: deployment("api") }))).kind).toBe("committed");
  });

  test("all that a decision leaves in the audit is numbered in its order, and none of it without the decision", async () => {
    const ended = (outcome: string) => ({ operation: `rollout.${outcome}`, resource: deployment("web"), outcome: "accepted" as const });
    const audit = [...scaling("c1", 0).audit, ended("rolled-back"), ended("failed")];
    expect((await journal.commit(scaling("c1", 0, { audit }))).kind).toBe("committed");
    expect((await journal.commit(scaling("c2", 0, { audit }))).kind).toBe("conflict");
    expect((await journal.commit(scaling("c2", 1, { audit: [] }))).kind).toBe("committed");
    const { items } = await reads.audit({ limit: 9 });
    expect(items.map(({ number, operation, meta }) => [number, operation, meta.commandId])).toEqual([
      [3, "rollout.failed", "c1"],
      [2, "rollout.rolled-back", "c1"],
      [1, "deployments.scale", "c1"],
    ]);
  });

  test("a refusal is audited and not remembered", async () => {
    expect((await journal.commit(refusal("c1", 0))).kind).toBe("committed");
    expect((await journal.commit(scaling("c1", 0))).kind).toBe("committed");
    const { items } = await reads.audit({ limit: 5 });
    expect(items.map(({ number, outcome, reason }) => ({ number, outcome, reason }))).toEqual([
      { number: 2, outcome: "accepted", reason: undefined },
      { number: 1, outcome: "refused", reason: "deployment.stopped" },
    ]);
  });

  test("an accepted decision without events keeps the version", async () => {
    await journal.commit(scaling("c1", 0));
    expect(await journal.commit(scaling("c2", 1, { events: [], outbox: [] }))).toEqual({ kind: "committed", version: 1, offset: 1 });
    expect(await journal.recall(deployment("web"), "c2")).toEqual({ value: { acceptedAs: "c2" } });
  });

  test("a former owner is fenced", async () => {
    await journal.commit(scaling("c1", 0));
    expect(await journal.claim(7)).toBe(7);
    expect(await journal.commit(scaling("c2", 1))).toEqual({ kind: "fenced", epoch: 7 });
    expect(await journal.claim(3)).toBe(7);
    expect((await journal.commit(scaling("c2", 1, { epoch: 7 }))).kind).toBe("committed");
  });

  test("a commit under an epoch that nobody claimed is a bug", async () => {
    await expect(journal.commit(scaling("c1", 0, { epoch: 2 }))).rejects.toThrow("never claimed");
  });

  test("one malformed commit among good ones is rejected alone", async () => {
    const malformed = scaling("c2", 0, { stream: deployment("api"), events: [{ type: "x", schema: 1.5, data: 1 }] });
    const [first, second, third] = await Promise.allSettled([
      journal.commit(scaling("c1", 0)),
      journal.commit(malformed),
      journal.commit(scaling("c3", 1)),
    ]);
    expect(first).toMatchObject({ status: "fulfilled", value: { kind: "committed" } });
    expect(second.status).toBe("rejected");
    expect(third).toMatchObject({ status: "fulfilled", value: { kind: "committed", version: 2 } });
    expect((await reads.audit({ limit: 5 })).items.map(({ number }) => number)).toEqual([2, 1]);
    expect((await journal.load(deployment("api"))).version).toBe(0);
  });

  test("commits of many streams at once share transactions and keep each stream's order", async () => {
    const results = await Promise.all(
      Array.from({ length: 600 }, (_, index) => {
        const version = Math.floor(index / 3);
        return journal.commit(scaling(`c${index}`, version, { stream: deployment(`web-${index % 3}`) }));
      }),
    );
    expect(results.every(({ kind }) => kind === "committed")).toBe(true);
    expect(new Set(results.map((result) => (result.kind === "committed" ? result.offset : 0))).size).toBe(600);
    const { events } = await journal.load(deployment("web-2"));
    expect(events.map(({ version }) => version)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
  });

  test("only what was acknowledged leaves the outbox, and the oldest is first", async () => {
    for (const version of [0, 1, 2]) await journal.commit(scaling(`c${version}`, version));
    await journal.acknowledge([`${deployment("web")}/2/0`, "never/heard/of-it"]);
    expect((await journal.pending(10)).map(({ id }) => id)).toEqual([`${deployment("web")}/1/0`, `${deployment("web")}/3/0`]);
    expect(await journal.pending(1)).toHaveLength(1);
  });

  test("a snapshot replaces the events before it", async () => {
    await journal.commit(scaling("c1", 0));
    await journal.commit(scaling("c2", 1, { snapshot: { schema: 3, state: { replicas: 2 } } }));
    await journal.commit(scaling("c3", 2));
    const loaded = await journal.load(deployment("web"));
    expect(loaded.snapshot).toEqual({ version: 2, schema: 3, state: { replicas: 2 } });
    expect(loaded.events.map(({ version }) => version)).toEqual([3]);
    expect(loaded.version).toBe(3);

    const whole = await journal.load(deployment("web"), "start");
    expect(whole.snapshot).toBeUndefined();
    expect(whole.events.map(({ version }) => version)).toEqual([1, 2, 3]);
  });

  test("rows are filtered, and pages stay where they are while others are written", async () => {
    const put = (id: string, parent: string, isReady: boolean) =>
      ({ change: "put", kind: "container", id, parent, body: { name: id, isReady, slot: 1 } }) as const;
    await journal.commit(
      scaling("c1", 0, { rows: [put("b", "web", true), put("d", "web", false), put("f", "web", true), put("x", "api", true)] }),
    );
    const first = await reads.rows({ kind: "container", parent: "web", limit: 2 });
    expect(first.items.map(({ id }) => id)).toEqual(["b", "d"]);

    await journal.commit(
      scaling("c2", 1, { rows: [put("a", "web", true), { change: "delete", kind: "container", id: "b" }, put("e", "web", true)] }),
    );
    const second = await reads.rows({ kind: "container", parent: "web", limit: 2, cursor: first.next! });
    expect(second.items.map(({ id }) => id)).toEqual(["e", "f"]);
    expect(second.next).toBeUndefined();
    expect(second.asOfOffset).toBe(2);

    const ready = await reads.rows({ kind: "container", where: { isReady: true, slot: 1 }, limit: 10 });
    expect(ready.items.map(({ id }) => id)).toEqual(["a", "e", "f", "x"]);
    expect((await reads.rows({ kind: "container", where: { isReady: 1 }, limit: 10 })).items).toEqual([]);
    expect((await reads.rows({ kind: "container", where: { name: "d" }, limit: 10 })).items).toHaveLength(1);
    const named = await reads.rows({ kind: "container", ids: ["x", "nobody", "b", "a"], limit: 10 });
    expect(named.items.map(({ id }) => id)).toEqual(["a", "x"]);
  });

  test("a cursor that we did not give is refused", async () => {
    await expect(reads.rows({ kind: "container", limit: 5, cursor: "%%%" })).rejects.toMatchObject({ name: "CursorError" });
    await expect(reads.audit({ limit: 5, cursor: "d2Vi" })).rejects.toMatchObject({ name: "CursorError" });
  });

  test("events can be followed from any offset, all or of one stream", async () => {
    for (const version of [0, 1, 2]) await journal.commit(scaling(`c${version}`, version));
    await journal.commit(scaling("c9", 0, { stream: deployment("api") }));
    const page = await reads.events({ afterOffset: 1, limit: 2 });
    expect(page.items.map(({ offset }) => offset)).toEqual([2, 3]);
    expect(page).toMatchObject({ next: "3", asOfOffset: 4 });
    expect((await reads.events({ afterOffset: 0, stream: deployment("api"), limit: 9 })).items.map(({ offset }) => offset)).toEqual([4]);
  });

  test("the audit log is read newest first, filtered and page by page", async () => {
    for (const version of [0, 1, 2]) await journal.commit(scaling(`c${version}`, version));
    await journal.commit(refusal("c9", 3));
    const page = await reads.audit({ limit: 2 });
    expect(page.items.map(({ number }) => number)).toEqual([4, 3]);
    expect((await reads.audit({ limit: 2, cursor: page.next! })).items.map(({ number }) => number)).toEqual([2, 1]);
    const numbers = async (query: object) => (await reads.audit({ limit: 9, ...query })).items.map(({ number }) => number);
    expect(await numbers({ outcome: "refused" })).toEqual([4]);
    expect(await numbers({ principalId: "nobody" })).toEqual([]);
    expect(
      await numbers({ principalId: "ada", operation: "deployments.scale", resource: deployment("web"), sinceMs: 1_001, untilMs: 1_002 }),
    ).toEqual([3, 2]);
  });

  test("whoever listens hears the newest offset, until they stop", async () => {
    const heard: number[] = [];
    const listening = reads.onCommitted((offset) => heard.push(offset));
    await journal.commit(scaling("c1", 0));
    await journal.commit(scaling("c2", 1));
    listening.stop();
    await journal.commit(scaling("c3", 2));
    expect(heard).toEqual([1, 2]);
  });

  test("after closing, a commit is answered and writes nothing", async () => {
    await journal.close();
    expect(await journal.commit(scaling("c1", 0))).toMatchObject({ kind: "failed", reason: "closed" });
  });
});
