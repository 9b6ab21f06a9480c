import { constants } from "node:fs";
import { access, chmod, chown, mkdir, readdir, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type FileOwner, type FileShelf, type MountPoint, ShelfFailure, type ShelvedFile } from "./file-shelf.ts";

/** What the kernel calls file systems that are in memory: tmpfs and ramfs. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
const FOLDER_MODE = 0o700;
const CONTAINER_FOLDER_MODE = 0o755;
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
    return (await isThere(path)) ? this.#seenByEngine(path) : undefined;
  }

  put(placementId: string, file: string, bytes: Uint8Array, owner: FileOwner): Promise<string> {
    return this.#place(placementId, file, (path) => this.#write(path, bytes, owner));
  }

  putFolder(placementId: string, name: string, files: readonly ShelvedFile[], among: readonly MountPoint[]): Promise<string> {
    return this.#place(placementId, name, async (folder) => {
      await makeFolder(folder);
      for (const { path, bytes, owner } of files) {
        await makeFolders(folder, dirname(path));
        await this.#write(join(folder, path), bytes, owner);
      }
      for (const { path, kind } of among) {
        await makeFolders(folder, kind === "folder" ? path : dirname(path));
        if (kind === "file" && !(await isThere(join(folder, path)))) await writeFile(join(folder, path), "");
      }
    });
  }

  /** Made beside its place and put there when it is whole. */
  async #place(placementId: string, name: string, make: (path: string) => Promise<void>): Promise<string> {
    const path = join(this.#directory, placementId, name);
    const unfinished = `${path}${UNFINISHED}`;
    try {
      await mkdir(join(this.#directory, placementId), { recursive: true, mode: FOLDER_MODE });
      await rm(unfinished, { recursive: true, force: true });
      await make(unfinished);
      await rename(unfinished, path);
      return this.#seenByEngine(path);
    } catch (cause) {
      await rm(unfinished, { recursive: true, force: true }).catch(() => undefined);
      if (cause instanceof ShelfFailure) throw cause;
      throw new ShelfFailure(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
    }
  }

  async #write(path: string, bytes: Uint8Array, { uid, gid, mode }: FileOwner): Promise<void> {
    await writeFile(path, bytes, { mode: 0o600 });
    if (uid !== process.getuid?.() || gid !== process.getgid?.()) await this.#give(path, uid, gid);
    await chmod(path, mode);
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

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

/** Whoever the container runs as may look into it, whatever our own mask says. */
async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, CONTAINER_FOLDER_MODE);
}

async function makeFolders(folder: string, inner: string): Promise<void> {
  if (inner === ".") return;
  await makeFolders(folder, dirname(inner));
  await makeFolder(join(folder, inner));
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

  putFolder(): Promise<never> {
    return this.put();
  }

  async remove(): Promise<void> {}

  async placements(): Promise<readonly string[]> {
    return [];
  }
}
