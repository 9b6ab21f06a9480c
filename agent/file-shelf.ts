/** Where files of containers stand that may touch no disk: in memory, one folder per placement. */
export interface FileShelf {
  /** Where the engine finds it; undefined: it is not there. */
  find(placementId: string, file: string): Promise<string | undefined>;
  /** Whole or not at all. Rejects with `ShelfFailure`. */
  put(placementId: string, file: string, bytes: Uint8Array, owner: FileOwner): Promise<string>;
  /** A folder of files, whole or not at all. `among` are places in it that something else is mounted at. Rejects with `ShelfFailure`. */
  putFolder(placementId: string, name: string, files: readonly ShelvedFile[], among: readonly MountPoint[]): Promise<string>;
  remove(placementId: string): Promise<void>;
  /** Placements that have files. */
  placements(): Promise<readonly string[]>;
}

/** A file of a folder. */
export interface ShelvedFile {
  /** Within the folder, without `..`. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly owner: FileOwner;
}

/** A place within a read-only folder that the engine could not make any more. */
export interface MountPoint {
  readonly path: string;
  readonly kind: "file" | "folder";
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

  putFolder(placementId: string, name: string): Promise<string> {
    return this.put(placementId, name);
  }

  async remove(placementId: string): Promise<void> {
    this.#files.delete(placementId);
  }

  async placements(): Promise<readonly string[]> {
    return [...this.#files.keys()];
  }
}
