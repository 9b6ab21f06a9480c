import { createHash } from "node:crypto";
import type { ReadModel } from "../../runtime/journal.ts";

/** A key is remembered for a day by the API; the actor itself remembers the command longer, and answers it alike. */
export const KEY_MEMORY_MS = 86_400_000;
/** Beyond this the oldest keys are forgotten: a reused key with other input then acts, as a new command. */
export const MAX_REMEMBERED_KEYS = 50_000;
/** Entries of the audit looked through once, to know the keys from before a restart. */
const MAX_AUDIT_ENTRIES_READ = 20_000;
const AUDIT_PAGE_ENTRIES = 500;

/** Who may reuse a key for what: the same key of somebody else, or for another operation, is another key. */
export interface KeyScope {
  readonly tenant: string;
  readonly principalId: string;
  readonly operation: string;
  readonly key: string;
}

const COMMAND_ID = /^key-([0-9a-f]{32})-([0-9a-f]{16})$/;

/**
 * The command id for a key: the scope, so that a repetition is recognised by the actor's journal, also after a crash; and a fingerprint of the input,
 * so that the same key with other input can never be answered with the reply to the first.
 */
export function commandIdOf(scope: KeyScope, input: unknown): string {
  const scoped = sha256(JSON.stringify([scope.tenant, scope.principalId, scope.operation, scope.key])).slice(0, 32);
  return `key-${scoped}-${sha256(canonical(input)).slice(0, 16)}`;
}

/** Notices a key that is used again with other input. The audit is its durable memory: every accepted command of a person is in it with its id. */
export class KeyMemory {
  readonly #reads: ReadModel;
  readonly #startedAtMs: number;
  readonly #fingerprints = new Map<string, { readonly fingerprint: string; readonly atMs: number }>();
  #loaded: Promise<void> | undefined;

  constructor(reads: ReadModel, startedAtMs: number) {
    this.#reads = reads;
    this.#startedAtMs = startedAtMs;
  }

  /** `mismatch`: the key belongs to another input. Otherwise it is taken, until `release`. */
  async take(commandId: string, nowMs: number): Promise<"taken" | "repeated" | "mismatch"> {
    this.#loaded ??= this.#load();
    await this.#loaded.catch((cause: unknown) => {
      this.#loaded = undefined;
      throw cause;
    });
    const [, scope = "", fingerprint = ""] = COMMAND_ID.exec(commandId) ?? [];
    const known = this.#fingerprints.get(scope);
    if (known !== undefined && nowMs - known.atMs < KEY_MEMORY_MS) return known.fingerprint === fingerprint ? "repeated" : "mismatch";
    this.#remember(scope, fingerprint, nowMs);
    return "taken";
  }

  /** Nothing was done under this key: it may be used again, with any input. */
  release(commandId: string): void {
    const [, scope = ""] = COMMAND_ID.exec(commandId) ?? [];
    this.#fingerprints.delete(scope);
  }

  #remember(scope: string, fingerprint: string, atMs: number): void {
    this.#fingerprints.delete(scope);
    this.#fingerprints.set(scope, { fingerprint, atMs });
    for (const oldest of this.#fingerprints.keys()) {
      if (this.#fingerprints.size <= MAX_REMEMBERED_KEYS) break;
      this.#fingerprints.delete(oldest);
    }
  }

  async #load(): Promise<void> {
    let cursor: string | undefined;
    for (let read = 0; read < MAX_AUDIT_ENTRIES_READ; read += AUDIT_PAGE_ENTRIES) {
      const page = await this.#reads.audit({
        outcome: "accepted",
        sinceMs: this.#startedAtMs - KEY_MEMORY_MS,
        limit: AUDIT_PAGE_ENTRIES,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const entry of page.items) {
        const [, scope, fingerprint] = COMMAND_ID.exec(entry.meta.commandId) ?? [];
        if (scope !== undefined && fingerprint !== undefined && !this.#fingerprints.has(scope))
          this.#remember(scope, fingerprint, entry.atMs);
      }
      cursor = page.next;
      if (cursor === undefined) return;
    }
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** JSON with sorted keys: the order in which a client writes fields does not matter. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([left], [right]) => (left < right ? -1 : 1)))
      : item,
  );
}
