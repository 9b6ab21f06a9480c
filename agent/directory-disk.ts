import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type AgentDisk, DiskFailure, type DiskFailureReason } from "./agent-disk.ts";

/** Unfinished writes end with it; what a crash left of them is removed at the next start. */
const UNFINISHED = ".unfinished";

/** A directory of the agent's own, made when it is missing; readable by its owner alone. */
export async function openDirectoryDisk(directory: string): Promise<AgentDisk> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(directory)) {
      if (name.endsWith(UNFINISHED)) await rm(join(directory, name), { force: true });
    }
  } catch (cause) {
    throw diskFailure(directory, cause);
  }
  return new DirectoryDisk(directory);
}

class DirectoryDisk implements AgentDisk {
  readonly #directory: string;
  #writes = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async read(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.#directory, name), "utf8");
    } catch (cause) {
      if (codeOf(cause) === "ENOENT") return undefined;
      throw diskFailure(join(this.#directory, name), cause);
    }
  }

  async write(name: string, text: string): Promise<void> {
    this.#writes += 1;
    const path = join(this.#directory, name);
    const unfinished = `${path}.${this.#writes}${UNFINISHED}`;
    try {
      await writeDurably(unfinished, text);
      await rename(unfinished, path);
      await syncDirectory(this.#directory);
    } catch (cause) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw diskFailure(path, cause);
    }
  }

  async remove(name: string): Promise<void> {
    try {
      await rm(join(this.#directory, name), { force: true });
    } catch (cause) {
      throw diskFailure(join(this.#directory, name), cause);
    }
  }

  async names(): Promise<readonly string[]> {
    try {
      return (await readdir(this.#directory)).filter((name) => !name.endsWith(UNFINISHED)).toSorted();
    } catch (cause) {
      throw diskFailure(this.#directory, cause);
    }
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, "w", 0o600);
  await file.writeFile(text, "utf8");
  await file.sync();
}

/** A rename is only durable once its directory is. */
async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory, "r");
  await handle.sync();
}

const REASONS: Readonly<Record<string, DiskFailureReason>> = {
  ENOSPC: "disk-full",
  EDQUOT: "disk-full",
  EROFS: "read-only",
  EACCES: "read-only",
  EPERM: "read-only",
};

function diskFailure(path: string, cause: unknown): DiskFailure {
  const reason = REASONS[codeOf(cause) ?? ""] ?? "failed";
  return new DiskFailure(reason, `${path}: ${sentences[reason]} (${cause instanceof Error ? cause.message : String(cause)})`, cause);
}

const sentences: Readonly<Record<DiskFailureReason, string>> = {
  "disk-full": "the disk is full; free some space and the agent goes on by itself",
  "read-only": "the agent may not write here; give it a writable directory",
  failed: "the disk failed",
};

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
}
