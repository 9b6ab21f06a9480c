import { posix } from "node:path";
import type { Findings, Spot } from "./findings.ts";

/** What reading a file came to. */
export type FileRead =
  /** `bytes` where the text may not be all of it. */
  | { readonly kind: "text"; readonly text: string; readonly bytes?: Uint8Array; readonly isExecutable?: boolean }
  /** `names` of what is in it. */
  | { readonly kind: "folder"; readonly names: readonly string[] }
  | { readonly kind: "absent" }
  /** One sentence: why it may not or cannot be read. */
  | { readonly kind: "refused"; readonly reason: string };

/** The files of the project, as far as a manifest may name them. */
export interface ProjectFiles {
  /** `path` is relative to the project's folder, without `..`. A link that leads out of the folder is refused. */
  readonly read: (path: string) => FileRead;
}

/** A project of nothing but its manifest. */
export const noFiles: ProjectFiles = {
  read: (path) => (path === "." ? { kind: "folder", names: ["compose.yaml"] } : { kind: "absent" }),
};

/** More files in one project are refused. */
const MAX_FILES = 300;

/** Reads the files that manifests name, each once, and says why one cannot be read. */
export class NamedFiles {
  readonly #files: ProjectFiles;
  readonly #findings: Findings;
  readonly #read = new Map<string, FileRead>();

  constructor(files: ProjectFiles, findings: Findings) {
    this.#files = files;
    this.#findings = findings;
  }

  /** The path within the project that `named` in a file of `directory` means; undefined with a finding when it leads out of it. */
  resolve(named: string, directory: string, spot: Spot): string | undefined {
    if (/^[a-z][a-z0-9+.-]+:\/\//.test(named) || named.startsWith("git@"))
      return this.#findings.error(
        "file",
        spot,
        `${named} is somewhere else; only files of the project are read.`,
        "keep a copy in the project.",
      );
    const path = posix.normalize(posix.join(directory, named));
    if (posix.isAbsolute(named) || named.startsWith("~") || path === ".." || path.startsWith("../"))
      return this.#findings.error("file", spot, `${named} is outside the project's folder, and is not read.`, "move it into the project.");
    return path;
  }

  /** As they are; undefined with a finding. */
  bytes(path: string, spot: Spot): Uint8Array | undefined {
    const read = this.#content(path, spot, "error");
    return read && (read.bytes ?? Buffer.from(read.text));
  }

  /** Undefined: there is none, or a finding says what is wrong. */
  text(path: string, spot: Spot, absence: "error" | "allowed"): string | undefined {
    return this.#content(path, spot, absence)?.text;
  }

  /** Whatever is there; undefined with a finding when it cannot be told. */
  look(path: string, spot: Spot): Exclude<FileRead, { kind: "refused" }> | undefined {
    const read = this.#read.get(path) ?? this.#files.read(path);
    this.#read.set(path, read);
    if (this.#read.size > MAX_FILES) return this.#findings.error("too-much", spot, `The project names more than ${MAX_FILES} files.`);
    return read.kind === "refused" ? this.#findings.error("file", spot, read.reason) : read;
  }

  #content(path: string, spot: Spot, absence: "error" | "allowed"): Extract<FileRead, { kind: "text" }> | undefined {
    const read = this.look(path, spot);
    switch (read?.kind) {
      case undefined:
        return undefined;
      case "text":
        return read;
      case "folder":
        return this.#findings.error("file", spot, `${path} is a folder, not a file.`, "name a file in it.");
      case "absent":
        return absence === "allowed"
          ? undefined
          : this.#findings.error("file", spot, `There is no file ${path}.`, "put it there, or name another one.");
    }
  }
}
