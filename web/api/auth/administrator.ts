import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { z } from "zod";
import type { Clock } from "../../../runtime/clock.ts";
import type { Authenticator, Identity } from "./identity.ts";

export const SIGN_IN_LINK_LIFETIME_MS = 900_000;
export const SESSION_LIFETIME_MS = 7 * 86_400_000;
/** Beyond these the oldest one ends. */
const MAX_SESSIONS = 100;
const MAX_TOKENS = 100;
const MAX_LINKS = 20;
const SECRET_BYTES = 32;

/** Only hashes: who reads the file cannot sign in with it. The secrets are 256 random bits, which no slow hash would make harder to guess. */
const StoredCredentials = z.strictObject({
  version: z.literal(1),
  tokens: z.array(z.strictObject({ name: z.string(), sha256: z.string(), createdAtMs: z.number() })),
  sessions: z.array(z.strictObject({ sha256: z.string(), expiresAtMs: z.number() })),
});
type StoredCredentials = z.infer<typeof StoredCredentials>;

/** The credentials file is there but is not one. */
export class CredentialsDamaged extends Error {
  constructor(path: string, cause: unknown) {
    super(`${path} is damaged. Delete it and start again: new credentials are made, old sessions end.`, { cause });
    this.name = "CredentialsDamaged";
  }
}

/** The one administrator of an installation. Tokens and sessions survive a restart, sign-in links do not. Throws `CredentialsDamaged`. */
export class Administrator implements Authenticator {
  readonly #file: string;
  readonly #tenant: string;
  readonly #clock: Clock;
  #stored: StoredCredentials;
  #links: readonly { readonly sha256: string; readonly expiresAtMs: number }[] = [];

  constructor(options: { readonly file: string; readonly tenant: string; readonly clock: Clock }) {
    this.#file = options.file;
    this.#tenant = options.tenant;
    this.#clock = options.clock;
    this.#stored = readStored(options.file);
  }

  /** A new bearer token; the one of the same name ends. */
  issueToken(name: string): string {
    const token = `ody_${secret()}`;
    const others = this.#stored.tokens.filter((item) => item.name !== name);
    const tokens = [...others, { name, sha256: hashOf(token), createdAtMs: this.#clock.nowMs() }].slice(-MAX_TOKENS);
    this.#store({ ...this.#stored, tokens });
    return token;
  }

  /** For `/sign-in?token=`: works once, within SIGN_IN_LINK_LIFETIME_MS. */
  issueLinkToken(): string {
    const token = secret();
    this.#links = [...this.#links, { sha256: hashOf(token), expiresAtMs: this.#clock.nowMs() + SIGN_IN_LINK_LIFETIME_MS }].slice(
      -MAX_LINKS,
    );
    return token;
  }

  byToken(token: string): Identity | undefined {
    return find(this.#stored.tokens, token) === undefined ? undefined : this.#identity("token");
  }

  bySession(session: string): Identity | undefined {
    const found = find(this.#stored.sessions, session);
    return found === undefined || found.expiresAtMs <= this.#clock.nowMs() ? undefined : this.#identity("session");
  }

  signIn(linkToken: string): { readonly session: string; readonly lifetimeMs: number } | undefined {
    const link = find(this.#links, linkToken);
    if (link === undefined) return undefined;
    this.#links = this.#links.filter((item) => item !== link);
    const nowMs = this.#clock.nowMs();
    if (link.expiresAtMs <= nowMs) return undefined;
    const session = secret();
    const alive = this.#stored.sessions.filter((item) => item.expiresAtMs > nowMs);
    const sessions = [...alive, { sha256: hashOf(session), expiresAtMs: nowMs + SESSION_LIFETIME_MS }].slice(-MAX_SESSIONS);
    this.#store({ ...this.#stored, sessions });
    return { session, lifetimeMs: SESSION_LIFETIME_MS };
  }

  #identity(by: Identity["by"]): Identity {
    return { principal: { kind: "user", id: "admin", role: "admin" }, tenant: this.#tenant, by };
  }

  #store(stored: StoredCredentials): void {
    const temporary = `${this.#file}.new`;
    const descriptor = openSync(temporary, "w", 0o600);
    try {
      writeSync(descriptor, JSON.stringify(stored));
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, this.#file);
    this.#stored = stored;
  }
}

function readStored(file: string): StoredCredentials {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return { version: 1, tokens: [], sessions: [] };
    throw cause;
  }
  try {
    return StoredCredentials.parse(JSON.parse(text));
  } catch (cause) {
    throw new CredentialsDamaged(file, cause);
  }
}

/** Looks at every candidate in equal time, so that the time taken tells nothing about which one was nearly right. */
function find<Item extends { readonly sha256: string }>(items: readonly Item[], presented: string): Item | undefined {
  const wanted = Buffer.from(hashOf(presented), "hex");
  let found: Item | undefined;
  for (const item of items) {
    const candidate = Buffer.from(item.sha256, "hex");
    if (candidate.length === wanted.length && timingSafeEqual(candidate, wanted)) found = item;
  }
  return found;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function secret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}
