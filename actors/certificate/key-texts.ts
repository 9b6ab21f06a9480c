import type { SealedStore } from "../../storage/sealed-port.ts";
import type { KeyReference } from "./state.ts";

/** Seals a private key in PEM form. Throws when it could not be written. */
export async function sealedText(store: Pick<SealedStore, "seal">, name: string, text: string): Promise<KeyReference> {
  const sealed = await store.seal(name, Buffer.from(text));
  if (sealed.kind === "failed") throw new Error(`the key could not be kept: ${sealed.message}`);
  return { name, version: sealed.version };
}

/** Throws when there is no such key, or it was tampered with. */
export async function openedText(store: Pick<SealedStore, "open">, { name, version }: KeyReference): Promise<string> {
  const bytes = await store.open(name, version);
  if (bytes === undefined) throw new Error(`the key "${name}" is not in the sealed store`);
  return Buffer.from(bytes).toString();
}
