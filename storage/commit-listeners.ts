export type CommitListener = (offset: number) => void;

/** Those who want to know that something was committed. */
export class CommitListeners {
  readonly #listeners = new Set<{ readonly call: CommitListener }>();

  add(call: CommitListener): { stop(): void } {
    const entry = { call };
    this.#listeners.add(entry);
    return { stop: () => void this.#listeners.delete(entry) };
  }

  tell(offset: number): void {
    for (const { call } of this.#listeners) call(offset);
  }
}
