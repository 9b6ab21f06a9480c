import type { CommitResult } from "../runtime/journal.ts";

export type Sealed = { readonly kind: "sealed"; readonly version: string } | Extract<CommitResult, { kind: "failed" }>;

/**
 * One tenant's values that nobody may read in its journal, its audit log, its events or a copy of its file: secrets, keys of certificates. Kept encrypted,
 * one beside the other; who refers to a value names it and its version.
 */
export interface SealedStore {
  /**
   * The version these bytes have under this name, written or not. The same bytes have the same version for ever, and nobody without the tenant's key can
   * tell from it what they are.
   */
  versionOf(name: string, bytes: Uint8Array): string;
  /** On the disk once it answers. The same bytes again change nothing but which version is the newest. */
  seal(name: string, bytes: Uint8Array): Promise<Sealed>;
  /** Undefined: there is no such version. Rejects when it was tampered with. */
  open(name: string, version: string): Promise<Uint8Array | undefined>;
  /** The version sealed last; undefined: none. */
  newest(name: string): Promise<string | undefined>;
}
