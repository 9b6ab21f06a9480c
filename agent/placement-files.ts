import { DEFAULT_FILE_MODE, type SealedFile } from "../actors/deployment/file-contract.ts";
import type { Placement } from "../actors/node/contract.ts";
import type { Log } from "../runtime/log.ts";
import type { FileAnswered } from "./control-plane-link.ts";
import { engineFailures } from "./engine/failures.ts";
import { type FileShelf, ShelfFailure } from "./file-shelf.ts";

/** Asks the control plane for the content of a file that a placement of this node uses. */
export type FetchFile = (placementId: string, file: SealedFile) => Promise<FileAnswered>;

/**
 * Files of placements: fetched when the first container needs them, kept in memory for every further attempt, also while the control plane is away, and
 * gone with the placement.
 */
export class PlacementFiles {
  readonly #shelf: FileShelf;
  readonly #fetch: FetchFile;
  readonly #log: Log;

  constructor(shelf: FileShelf, fetch: FetchFile, log: Log) {
    this.#shelf = shelf;
    this.#fetch = fetch;
    this.#log = log;
  }

  /** Where the engine finds each, in the order of the template. Rejects with `EngineFailure`. */
  async ready({ placementId, template }: Placement): Promise<readonly string[]> {
    const paths: string[] = [];
    for (const [index, file] of (template.files ?? []).entries()) {
      const name = `${index}-${file.version}`;
      paths.push((await this.#shelf.find(placementId, name)) ?? (await this.#fetched(placementId, name, file)));
    }
    return paths;
  }

  /** Of a placement that is no more. */
  forget(placementId: string): void {
    this.#shelf.remove(placementId).catch((cause: unknown) => {
      this.#log.warn("files of a placement that is no more could not be removed", { placementId, reason: String(cause) });
    });
  }

  /** What an agent that was killed left of placements that are gone. */
  async sweep(isKnown: (placementId: string) => boolean): Promise<void> {
    for (const placementId of await this.#shelf.placements()) if (!isKnown(placementId)) this.forget(placementId);
  }

  async #fetched(placementId: string, name: string, file: SealedFile): Promise<string> {
    const answer = await this.#fetch(placementId, file);
    if (answer.kind !== "file") throw engineFailures.fileUnavailable(`${file.kind} ${file.name}`, answer.reason);
    try {
      const { uid = 0, gid = 0, mode = DEFAULT_FILE_MODE } = file;
      return await this.#shelf.put(placementId, name, answer.bytes, { uid, gid, mode });
    } catch (cause) {
      if (!(cause instanceof ShelfFailure)) throw cause;
      throw engineFailures.fileUnplaced(`${file.kind} ${file.name}`, cause.message, cause);
    }
  }
}
