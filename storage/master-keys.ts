import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { z } from "zod";

const KEY_BYTES = 32;
const FILE_MODE = 0o600;

const KeysFile = z.strictObject({ keys: z.array(z.strictObject({ id: z.string().min(1), key: z.base64() })).min(1) });

export interface MasterKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** The file of master keys, or what is in it, is not what the sealed values need: what, where, and what to do about it, in one sentence for a person. */
export class MasterKeysUnusable extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = "MasterKeysUnusable";
  }
}

/**
 * Encrypt the keys of tenants, and are kept outside of every database: whoever has a copy of a tenant's file alone can read nothing that is sealed in it.
 * The first one is used for what is new; the others can still open what they closed. Made when there is no such file. Throws `MasterKeysUnusable`.
 */
export function openMasterKeys(path: string, nowMs: number): readonly MasterKey[] {
  makeUnlessThere(path, nowMs);
  if ((statSync(path).mode & 0o777) !== FILE_MODE) chmodSync(path, FILE_MODE);
  const parsed = KeysFile.safeParse(jsonOf(path));
  const keys = parsed.success ? parsed.data.keys.map(({ id, key }) => ({ id, bytes: Buffer.from(key, "base64") })) : [];
  if (keys.length === 0 || keys.some(({ bytes }) => bytes.length !== KEY_BYTES))
    throw new MasterKeysUnusable(`${path}: it does not hold keys of ${KEY_BYTES} bytes in base64; restore it from a backup`);
  return keys;
}

/** The parser's own error is not passed on: it quotes the text around the fault, and that text is a key. */
function jsonOf(path: string): unknown {
  const text = readFileSync(path, "utf8");
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** In one step: half a file would be no file of keys, and every later start would end at it. */
function makeUnlessThere(path: string, nowMs: number): void {
  if (existsSync(path)) return;
  const keys = [{ id: `master-${nowMs}`, key: randomBytes(KEY_BYTES).toString("base64") }];
  writeFileSync(`${path}.new`, `${JSON.stringify({ keys }, undefined, 2)}\n`, { mode: FILE_MODE, flush: true });
  renameSync(`${path}.new`, path);
}
