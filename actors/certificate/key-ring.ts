import type { Clock, Timer } from "../../runtime/clock.ts";
import type { SealedStore } from "../../storage/sealed-port.ts";
import { openedText } from "./key-texts.ts";
import type { KeyReference } from "./state.ts";

/** A key that could not be opened is tried again after so long: the disk may come back, the master key may be restored. */
const RETRY_MS = 30_000;

type Opened = { readonly kind: "key"; readonly text: string } | { readonly kind: "closed"; readonly message: string };

/** The private keys in use, opened once and kept in memory alone. */
export class KeyRing {
  readonly #sealed: Pick<SealedStore, "open">;
  readonly #clock: Clock;
  /** Something asked for has been opened, or could not be. */
  readonly #changed: () => void;
  readonly #opened = new Map<string, Opened>();
  readonly #opening = new Set<string>();
  #retry: Timer | undefined;
  #isStopped = false;

  constructor(sealed: Pick<SealedStore, "open">, clock: Clock, changed: () => void) {
    this.#sealed = sealed;
    this.#clock = clock;
    this.#changed = changed;
  }

  /** All of them, or undefined while some are still being opened. What is asked for no more is forgotten. */
  all(references: readonly KeyReference[]): ReadonlyMap<string, Opened> | undefined {
    const wanted = new Map(references.map((reference) => [idOf(reference), reference]));
    for (const id of this.#opened.keys()) if (!wanted.has(id)) this.#opened.delete(id);
    for (const [id, reference] of wanted) if (!this.#opened.has(id)) void this.#open(id, reference);
    return [...wanted.keys()].every((id) => this.#opened.has(id)) ? this.#opened : undefined;
  }

  stop(): void {
    this.#isStopped = true;
    this.#retry?.cancel();
    this.#opened.clear();
  }

  async #open(id: string, reference: KeyReference): Promise<void> {
    if (this.#opening.has(id)) return;
    this.#opening.add(id);
    const opened = await openedText(this.#sealed, reference).then(
      (text): Opened => ({ kind: "key", text }),
      (cause: unknown): Opened => ({ kind: "closed", message: cause instanceof Error ? cause.message : String(cause) }),
    );
    this.#opening.delete(id);
    if (this.#isStopped) return;
    this.#opened.set(id, opened);
    if (opened.kind === "closed") this.#tryAgain();
    this.#changed();
  }

  #tryAgain(): void {
    this.#retry ??= this.#clock.after(RETRY_MS, () => {
      this.#retry = undefined;
      for (const [id, { kind }] of this.#opened) if (kind === "closed") this.#opened.delete(id);
      this.#changed();
    });
  }
}

export function idOf({ name, version }: KeyReference): string {
  return `${name} ${version}`;
}
