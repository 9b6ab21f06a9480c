import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { MasterKeysUnusable, openMasterKeys } from "../../storage/master-keys.ts";
import type { SealedStore } from "../../storage/sealed-port.ts";
import { openSealedStore } from "../../storage/sealed-store.ts";
import { openTenant } from "../../storage/tenant-files.ts";
import { directoryOfTest, TENANT } from "./sample.ts";

const PASSWORD = Buffer.from("correct horse battery staple");

interface Opened {
  readonly store: SealedStore;
  close(): Promise<void>;
}

async function opened(directory: string, keysFile = join(directory, "master-keys.json")): Promise<Opened> {
  const tenant = await openTenant({ directory: join(directory, "tenants"), tenant: TENANT });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await tenant.close();
    isOpen = false;
  };
  onTestFinished(close);
  const masterKeys = openMasterKeys(keysFile, Date.now());
  return { close, store: await openSealedStore({ tenant: TENANT, rows: tenant.sealedRows, masterKeys, nowMs: Date.now }) };
}

async function sealed(store: SealedStore, name: string, bytes: Uint8Array): Promise<string> {
  const answer = await store.seal(name, bytes);
  if (answer.kind !== "sealed") throw new Error(answer.message);
  return answer.version;
}

test("what is sealed is read again after a restart, and stands in no file as it is", async () => {
  const directory = directoryOfTest();
  const first = await opened(directory);
  const version = await sealed(first.store, "db-password", PASSWORD);
  for (const name of readdirSync(join(directory, "tenants"))) {
    expect(readFileSync(join(directory, "tenants", name)).includes(PASSWORD), name).toBe(false);
  }
  await first.close();
  const { store } = await opened(directory);
  expect(await store.open("db-password", version)).toEqual(PASSWORD);
  expect(await store.open("db-password", "0".repeat(32))).toBeUndefined();
  expect(await store.open("other", version)).toBeUndefined();
});

test("the same bytes have the same version, which tells nobody what they are; the newest is the one sealed last", async () => {
  const directory = directoryOfTest();
  const { store } = await opened(directory);
  const before = store.versionOf("token", PASSWORD);
  expect(await store.newest("token")).toBeUndefined();
  const a = await sealed(store, "token", PASSWORD);
  expect(a).toBe(before);
  expect(await store.newest("token")).toBe(a);
  const b = await sealed(store, "token", Buffer.from("another"));
  expect(b).not.toBe(a);
  expect(await store.newest("token")).toBe(b);
  expect(await sealed(store, "token", PASSWORD)).toBe(a);
  expect(await store.newest("token")).toBe(a);
  expect(store.versionOf("other-name", PASSWORD)).not.toBe(a);
  const elsewhere = await opened(directoryOfTest());
  expect(elsewhere.store.versionOf("token", PASSWORD)).not.toBe(a);
});

test("the master keys are in a file of their own for this user alone; with a newer one in front, older values still open", async () => {
  const directory = directoryOfTest();
  const keysFile = join(directory, "master-keys.json");
  const first = await opened(directory, keysFile);
  const version = await sealed(first.store, "a", PASSWORD);
  expect((statSync(keysFile).mode & 0o777).toString(8)).toBe("600");
  await first.close();
  const { keys } = JSON.parse(readFileSync(keysFile, "utf8")) as { keys: unknown[] };
  writeFileSync(keysFile, JSON.stringify({ keys: [{ id: "newer", key: Buffer.alloc(32, 7).toString("base64") }, ...keys] }));
  const second = await opened(directory, keysFile);
  expect(await second.store.open("a", version)).toEqual(PASSWORD);
  await second.close();
  await expect(opened(directory, join(directory, "foreign-keys.json"))).rejects.toThrow(
    /need the master key master-\d+, which is not in the file/,
  );
});

test("a file of master keys that is damaged is named, and nothing of it is repeated; a start that was cut off while it made one leaves none", async () => {
  const directory = directoryOfTest();
  const keysFile = join(directory, "master-keys.json");
  const key = Buffer.alloc(32, 7).toString("base64");
  for (const damaged of ["", `{"keys": [{"id": "a", "key": "${key}" "oops`]) {
    writeFileSync(keysFile, damaged);
    expect(() => openMasterKeys(keysFile, 0)).toThrow(
      new MasterKeysUnusable(`${keysFile}: it does not hold keys of 32 bytes in base64; restore it from a backup`),
    );
  }
  const other = join(directory, "other-keys.json");
  writeFileSync(`${other}.new`, "");
  expect(openMasterKeys(other, 0)).toEqual(openMasterKeys(other, 1));
});

test("a value that was tampered with, or put in the place of another, is not handed out", async () => {
  const directory = directoryOfTest();
  const first = await opened(directory);
  const mine = await sealed(first.store, "mine", PASSWORD);
  const theirs = await sealed(first.store, "theirs", Buffer.from("another"));
  await first.close();
  const db = new Database(join(directory, "tenants", `${TENANT}.db`));
  db.prepare("update sealed_values set sealed = (select sealed from sealed_values where name = 'theirs') where name = 'mine'").run();
  db.close();
  const { store } = await opened(directory);
  await expect(store.open("mine", mine)).rejects.toThrow();
  expect(await store.open("theirs", theirs)).toEqual(Buffer.from("another"));
});
