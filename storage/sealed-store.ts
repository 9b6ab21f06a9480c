import { randomBytes, randomUUID } from "node:crypto";
import type { Failed } from "./failure.ts";
import { MasterKeysUnusable, type MasterKey } from "./master-keys.ts";
import type { Sealed, SealedStore } from "./sealed-port.ts";
import type { SealedKey, SealedValue } from "./sealed-table.ts";
import { close, fingerprint, open } from "./sealing.ts";

const KEY_BYTES = 32;

/** Where the encrypted values are kept. */
export interface SealedRows {
  keys(): Promise<readonly SealedKey[]>;
  /** Undefined: written. */
  addKey(key: SealedKey): Promise<Failed | undefined>;
  put(value: SealedValue): Promise<Failed | undefined>;
  get(name: string, version: string): Promise<SealedValue | undefined>;
  newest(name: string): Promise<string | undefined>;
}

export interface SealedStoreParts {
  readonly tenant: string;
  readonly rows: SealedRows;
  /** The one for what is new first. */
  readonly masterKeys: readonly MasterKey[];
  readonly nowMs: () => number;
}

/** Opens the tenant's keys, and makes them the first time. Rejects with `MasterKeysUnusable` when no master key opens them, and when nothing can be written. */
export async function openSealedStore(parts: SealedStoreParts): Promise<SealedStore> {
  for (const purpose of ["values", "versions"] as const) {
    if (!(await parts.rows.keys()).some((key) => key.purpose === purpose)) await makeKey(parts, purpose);
  }
  const keys = (await parts.rows.keys()).map((key) => ({ ...key, bytes: unwrapped(parts, key) }));
  const values = keys.filter(({ purpose }) => purpose === "values");
  const newest = values.at(-1);
  const versions = keys.find(({ purpose }) => purpose === "versions");
  if (newest === undefined || versions === undefined) throw new Error(`${parts.tenant}: its keys are not where they were just written`);
  const versionOf = (name: string, bytes: Uint8Array): string => fingerprint(versions.bytes, name, bytes);
  return {
    versionOf,
    async seal(name, bytes): Promise<Sealed> {
      const version = versionOf(name, bytes);
      const sealed = close(newest.bytes, bytes, contextOf(parts.tenant, name, version));
      const failed = await parts.rows.put({ name, version, key: newest.id, sealed, atMs: parts.nowMs() });
      return failed ?? { kind: "sealed", version };
    },
    async open(name, version) {
      const value = await parts.rows.get(name, version);
      if (value === undefined) return undefined;
      const key = values.find(({ id }) => id === value.key);
      if (key === undefined) throw new Error(`${parts.tenant}: the key ${value.key} of "${name}" is missing`);
      return open(key.bytes, value.sealed, contextOf(parts.tenant, name, version));
    },
    newest: (name) => parts.rows.newest(name),
  };
}

async function makeKey({ tenant, rows, masterKeys, nowMs }: SealedStoreParts, purpose: SealedKey["purpose"]): Promise<void> {
  const [master] = masterKeys;
  if (master === undefined) throw new Error("there is no master key");
  const id = randomUUID();
  const wrapped = close(master.bytes, randomBytes(KEY_BYTES), contextOf(tenant, purpose, id));
  const failed = await rows.addKey({ id, purpose, master: master.id, wrapped, atMs: nowMs() });
  if (failed !== undefined) throw new Error(failed.message);
}

function unwrapped({ tenant, masterKeys }: SealedStoreParts, { id, purpose, master, wrapped }: SealedKey): Uint8Array {
  const key = masterKeys.find((candidate) => candidate.id === master);
  if (key === undefined)
    throw new MasterKeysUnusable(
      `the sealed values of ${tenant} need the master key ${master}, which is not in the file of master keys; restore that file`,
    );
  return open(key.bytes, wrapped, contextOf(tenant, purpose, id));
}

function contextOf(...parts: readonly string[]): string {
  return JSON.stringify(parts);
}
