import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";

const ALGORITHM = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Enough that two values of one name never share a version. */
const VERSION_CHARS = 32;

/** Encrypted and authenticated together with `context`: it opens under that context alone, so a value cannot be put in another one's place. */
export function close(key: Uint8Array, bytes: Uint8Array, context: string): Uint8Array {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, iv).setAAD(Buffer.from(context));
  const body = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]);
}

/** Throws when the key is another one, or what was closed has been changed. */
export function open(key: Uint8Array, closed: Uint8Array, context: string): Uint8Array {
  const iv = closed.subarray(0, IV_BYTES);
  const tag = closed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key, iv).setAAD(Buffer.from(context)).setAuthTag(tag);
  return Buffer.concat([decipher.update(closed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
}

/** With a key, because a plain hash of a short password is as good as the password. */
export function fingerprint(key: Uint8Array, name: string, bytes: Uint8Array): string {
  return createHmac("sha256", key).update(`${name.length}:${name}`).update(bytes).digest("hex").slice(0, VERSION_CHARS);
}
