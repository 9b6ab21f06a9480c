import { posix } from "node:path";
import { DEFAULT_FILE_MODE, PROGRAM_MODE, type SealedFile } from "../actors/deployment/file-contract.ts";
import { folderOf } from "../actors/deployment/folder-contract.ts";
import type { Placement } from "../actors/node/assignment-contract.ts";
import type { Log } from "../runtime/log.ts";
import type { FileAnswered } from "./control-plane-link.ts";
import { engineFailures } from "./engine/failures.ts";
import { type FileShelf, type MountPoint, ShelfFailure } from "./file-shelf.ts";

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
  async ready(placement: Placement): Promise<readonly string[]> {
    const { placementId, template } = placement;
    const paths: string[] = [];
    for (const [index, file] of (template.files ?? []).entries()) {
      const name = `${index}-${file.version}`;
      paths.push((await this.#shelf.find(placementId, name)) ?? (await this.#fetched(placement, name, file)));
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

  async #fetched({ placementId, template }: Placement, name: string, file: SealedFile): Promise<string> {
    const answer = await this.#fetch(placementId, file);
    if (answer.kind !== "file") throw engineFailures.fileUnavailable(`${file.kind} ${file.name}`, answer.reason);
    try {
      const { uid = 0, gid = 0, mode = DEFAULT_FILE_MODE } = file;
      if (file.kind !== "folder") return await this.#shelf.put(placementId, name, answer.bytes, { uid, gid, mode });
      const inner = folderOf(answer.bytes);
      if (inner === undefined) throw engineFailures.fileUnavailable(`${file.kind} ${file.name}`, "what was given is no folder");
      const files = inner.map(({ path, value, isProgram }) => ({
        path,
        bytes: Buffer.from(value, "base64"),
        owner: { uid, gid, mode: isProgram ? PROGRAM_MODE : DEFAULT_FILE_MODE },
      }));
      return await this.#shelf.putFolder(placementId, name, files, mountPoints(template, file.target));
    } catch (cause) {
      if (!(cause instanceof ShelfFailure)) throw cause;
      throw engineFailures.fileUnplaced(`${file.kind} ${file.name}`, cause.message, cause);
    }
  }
}

/** What else the container has below a folder: the engine makes places for it in a folder that can be written to, and in no other. */
function mountPoints({ files = [], mounts = [], tmpfs = [] }: Placement["template"], folder: string): readonly MountPoint[] {
  // Whether a path of the node is a file or a folder is known to the engine alone.
  const folders = [...mounts.filter(({ kind }) => kind !== "bind"), ...tmpfs, ...files.filter(({ kind }) => kind === "folder")];
  return [
    ...folders.map(({ target }) => ({ target, kind: "folder" as const })),
    ...files.filter(({ kind }) => kind !== "folder").map(({ target }) => ({ target, kind: "file" as const })),
  ].flatMap(({ target, kind }) => {
    const path = posix.relative(folder, target);
    return path === "" || path === ".." || path.startsWith("../") ? [] : [{ path, kind }];
  });
}
