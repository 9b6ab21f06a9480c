import { fingerprint } from "./sealing.ts";
import type { SealedStore } from "./sealed-port.ts";

/** Values in memory, unencrypted, and the same versions every time: for tests and the simulation. */
export function memorySealedStore(): SealedStore {
  const names = new Map<string, Map<string, Uint8Array>>();
  const versionOf = (name: string, bytes: Uint8Array): string => fingerprint(Buffer.from("memory"), name, bytes);
  return {
    versionOf,
    async seal(name, bytes) {
      const version = versionOf(name, bytes);
      const versions = names.get(name) ?? new Map<string, Uint8Array>();
      versions.delete(version);
      names.set(name, versions.set(version, bytes));
      return { kind: "sealed", version };
    },
    open: async (name, version) => names.get(name)?.get(version),
    newest: async (name) => [...(names.get(name)?.keys() ?? [])].at(-1),
  };
}
