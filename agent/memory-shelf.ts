import { constants } from "node:fs";
import { access, chmod, chown, mkdir, readdir, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type FileOwner, type FileShelf, ShelfFailure } from "./file-shelf.ts";

/** What the kernel calls file systems that are in memory: tmpfs and ramfs. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
const FOLDER_MODE = 0o700;
const UNFINISHED = ".unfinished";
const PROBE = ".probe";

export interface MemoryShelfSettings {
  /** Directories in memory, made where they are missing. The first that can be had is taken, before it the first whose files may be programs. */
  readonly candidates: readonly string[];
  /** Where the engine finds a path of ours. */
  readonly seenByEngine: (path: string) => string;
}

/** Real files on a file system in memory. Where none can be had, files are refused with the reason and everything else goes on. */
export async function openMemoryShelf({ candidates, seenByEngine }: MemoryShelfSettings): Promise<FileShelf> {
  let best: string | undefined;
  for (const directory of candidates) {
    if (!(await isUsable(directory))) continue;
    best ??= directory;
    if (!(await runsPrograms(directory))) continue;
    best = directory;
    break;
  }
  if (best !== undefined) return new MemoryShelf(join(best, "files"), seenByEngine);
  return new NoShelf(
    `none of ${candidates.join(", ")} is a directory of this user in memory: name one with runDirectory in the agent's settings`,
  );
}

async function isUsable(directory: string): Promise<boolean> {
  try {
    await mkdir(directory, { recursive: true, mode: FOLDER_MODE });
    const [{ uid, mode }, { type }] = await Promise.all([stat(directory), statfs(directory)]);
    if (!IN_MEMORY.has(type) || uid !== process.getuid?.()) return false;
    if ((mode & 0o777) !== FOLDER_MODE) await chmod(directory, FOLDER_MODE);
    return true;
  } catch {
    return false;
  }
}

/** Debian and others mount /run so that nothing in it can be executed, and a container's scripts are among its files. */
async function runsPrograms(directory: string): Promise<boolean> {
  const probe = join(directory, PROBE);
  try {
    await writeFile(probe, "", { mode: 0o700 });
    await access(probe, constants.X_OK);
    return true;
  } catch {
    return false;
  } finally {
    await rm(probe, { force: true });
  }
}

class MemoryShelf implements FileShelf {
  readonly #directory: string;
  readonly #seenByEngine: (path: string) => string;

  constructor(directory: string, seenByEngine: (path: string) => string) {
    this.#directory = directory;
    this.#seenByEngine = seenByEngine;
  }

  async find(placementId: string, file: string): Promise<string | undefined> {
    const path = join(this.#directory, placementId, file);
    try {
      await stat(path);
      return this.#seenByEngine(path);
    } catch {
      return undefined;
    }
  }

  async put(placementId: string, file: string, bytes: Uint8Array, { uid, gid, mode }: FileOwner): Promise<string> {
    const path = join(this.#directory, placementId, file);
    const unfinished = `${path}${UNFINISHED}`;
    try {
      await mkdir(join(this.#directory, placementId), { recursive: true, mode: FOLDER_MODE });
      await writeFile(unfinished, bytes, { mode: 0o600 });
      if (uid !== process.getuid?.() || gid !== process.getgid?.()) await this.#give(unfinished, uid, gid);
      await chmod(unfinished, mode);
      await rename(unfinished, path);
      return this.#seenByEngine(path);
    } catch (cause) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      if (cause instanceof ShelfFailure) throw cause;
      throw new ShelfFailure(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
    }
  }

  async remove(placementId: string): Promise<void> {
    await rm(join(this.#directory, placementId), { recursive: true, force: true });
  }

  async placements(): Promise<readonly string[]> {
    try {
      return await readdir(this.#directory);
    } catch {
      return [];
    }
  }

  /** Only root may give files away. Root's own is what is asked for when nobody is named, and then it is the agent's own user's. */
  async #give(path: string, uid: number, gid: number): Promise<void> {
    if (process.getuid?.() === 0) return chown(path, uid, gid);
    if (uid !== 0 || gid !== 0)
      throw new ShelfFailure(
        `the agent does not run as root and cannot give a file to user ${uid} and group ${gid}: run it as root, or leave them out`,
      );
  }
}

class NoShelf implements FileShelf {
  readonly #reason: string;

  constructor(reason: string) {
    this.#reason = reason;
  }

  async find(): Promise<undefined> {
    return undefined;
  }

  async put(): Promise<never> {
    throw new ShelfFailure(this.#reason);
  }

  async remove(): Promise<void> {}

  async placements(): Promise<readonly string[]> {
    return [];
  }
}
