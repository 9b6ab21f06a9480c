/** Where files of containers stand that may touch no disk: in memory, one folder per placement. */
export interface FileShelf {
  /** Where the engine finds it; undefined: it is not there. */
  find(placementId: string, file: string): Promise<string | undefined>;
  /** Whole or not at all. Rejects with `ShelfFailure`. */
  put(placementId: string, file: string, bytes: Uint8Array, owner: FileOwner): Promise<string>;
  remove(placementId: string): Promise<void>;
  /** Placements that have files. */
  placements(): Promise<readonly string[]>;
}

export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** `message` says what cannot be done and what would have to be done about it. */
export class ShelfFailure extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "ShelfFailure";
  }
}

/** A shelf without a disk or a memory of its own, for simulated nodes. */
export class SimulatedShelf implements FileShelf {
  readonly #files = new Map<string, Set<string>>();

  async find(placementId: string, file: string): Promise<string | undefined> {
    return this.#files.get(placementId)?.has(file) === true ? `/simulated/${placementId}/${file}` : undefined;
  }

  async put(placementId: string, file: string): Promise<string> {
    const files = this.#files.get(placementId) ?? new Set<string>();
    this.#files.set(placementId, files.add(file));
    return `/simulated/${placementId}/${file}`;
  }

  async remove(placementId: string): Promise<void> {
    this.#files.delete(placementId);
  }

  async placements(): Promise<readonly string[]> {
    return [...this.#files.keys()];
  }
}
