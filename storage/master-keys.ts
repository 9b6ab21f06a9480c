import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { z } from "zod";

const KEY_BYTES = 32;
const FILE_MODE = 0o600;

const KeysFile = z.strictObject({ keys: z.array(z.strictObject({ id: z.string().min(1), key: z.base64() })).min(1) });

export interface MasterKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/**
 * Encrypt the keys of tenants, and are kept outside of every database: whoever has a copy of a tenant's file alone can read nothing that is sealed in it.
 * The first one is used for what is new; the others can still open what they closed. Made when there is no such file. Throws when it cannot be used.
 */
export function openMasterKeys(path: string, nowMs: number): readonly MasterKey[] {
  makeUnlessThere(path, nowMs);
  if ((statSync(path).mode & 0o777) !== FILE_MODE) chmodSync(path, FILE_MODE);
  const parsed = KeysFile.safeParse(JSON.parse(readFileSync(path, "utf8")));
  const keys = parsed.success ? parsed.data.keys.map(({ id, key }) => ({ id, bytes: Buffer.from(key, "base64") })) : [];
  if (keys.length === 0 || keys.some(({ bytes }) => bytes.length !== KEY_BYTES))
    throw new Error(`${path}: it does not hold keys of ${KEY_BYTES} bytes in base64; restore it from a backup`);
  return keys;
}

function makeUnlessThere(path: string, nowMs: number): void {
  let file: number;
  try {
    file = openSync(path, "wx", FILE_MODE);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return;
    throw error;
  }
  const keys = [{ id: `master-${nowMs}`, key: randomBytes(KEY_BYTES).toString("base64") }];
  writeSync(file, `${JSON.stringify({ keys }, undefined, 2)}\n`);
  fsyncSync(file);
  closeSync(file);
}
