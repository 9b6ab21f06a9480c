import { createHash } from "node:crypto";
import { extname, posix } from "node:path";
import { MAX_FILE_NAME_CHARS, PROGRAM_MODE } from "../deployment/file-contract.ts";
import { folderBytes, type FolderFile } from "../deployment/folder-contract.ts";
import type { Mount } from "../deployment/mount-contract.ts";
import { fullName, newDefinition } from "./definition-fields.ts";
import type { Draft } from "./draft.ts";
import { asContent } from "./file-definitions.ts";
import { readFolder } from "./project-folders.ts";
import type { Place, Reading } from "./reading.ts";
import { noteReadFolder, pathAsName, volumeInPlaceOf } from "./volume-definitions.ts";

/** A mount whose source is a path beside the manifest, which no node has. */
export interface ProjectMount {
  /** As written. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** Where nothing is there, Compose would make a folder. */
  readonly mayBeMade: boolean;
  /** Of the file, where the manifest itself says it. */
  readonly content?: string | undefined;
  readonly mode?: number | undefined;
}

/** Where Dokploy keeps what containers write, and what its own pages write for them: the folder is there, and not here. */
const DOKPLOY_FOLDER = "../files/";

/**
 * A file becomes one of the container's files, read now, and so does a folder of files that is only read. A folder that is empty or missing becomes a volume;
 * one with files in it that is written to cannot be had.
 */
export function projectMount(reading: Reading, item: Place, mount: ProjectMount, draft: Draft): Mount | undefined {
  const { source, target, readOnly, mayBeMade, content, mode } = mount;
  const inside = source.startsWith(DOKPLOY_FOLDER) ? source.slice("../".length) : source;
  const path = withinProject(inside, item.origin.document.directory);
  if (content !== undefined) return addFile(reading, item, { path, target, bytes: Buffer.from(content), mode }, draft);
  if (path === undefined)
    return reading.refuse(
      item,
      `${source} is outside the project's folder, on a machine that is none of the nodes.`,
      "use a named volume for data, move a file into the project, or write the whole path of what is the node's own.",
    );
  const there = source.startsWith(DOKPLOY_FOLDER) ? ({ kind: "absent" } as const) : reading.files.look(path, item);
  switch (there?.kind) {
    case undefined:
      return undefined;
    case "text": {
      if (!readOnly)
        reading.differs(
          item,
          `${source} is read when the manifest is applied, and the container cannot write to it.`,
          "add :ro where it does not; use a named volume where it does.",
        );
      const bytes = there.bytes ?? Buffer.from(there.text);
      return addFile(reading, item, { path, target, bytes, mode: there.isExecutable === true ? PROGRAM_MODE : undefined }, draft);
    }
    case "folder":
      if (there.names.length === 0) break;
      if (readOnly) {
        const files = readFolder(reading, item, path);
        if (files?.length === 0) break;
        return files && addFolder(reading, item, { path, target, files }, draft);
      }
      return reading.refuse(
        item,
        `${source} is a folder with files of this machine, and what a container writes to it would be on its node alone.`,
        "add :ro where it only reads them; use a named volume for data, and put code into the image.",
      );
    case "absent":
      if (mayBeMade && !isNamedLikeFile(source)) break;
      return reading.findings.error(
        "file",
        item,
        `There is no ${source} beside the manifest.`,
        "put it there, or use a named volume for data.",
      );
  }
  const { name } = volumeInPlaceOf(reading, path, source, item) ?? {};
  return name === undefined ? undefined : { kind: "volume", name, target, ...(readOnly && { readOnly }) };
}

/** Undefined: it leads out of the project. */
function withinProject(source: string, directory: string): string | undefined {
  const path = posix.normalize(posix.join(directory, source)).replace(/(.)\/$/, "$1");
  return source.startsWith("~") || /^[A-Za-z]:\\/.test(source) || path === ".." || path.startsWith("../") ? undefined : path;
}

/** `nginx.conf`, and not `conf.d`: Compose would make a folder of this name, which nobody means. */
function isNamedLikeFile(source: string): boolean {
  return !source.endsWith("/") && !["", ".d"].includes(extname(source));
}

interface ReadFile {
  readonly path: string | undefined;
  readonly target: string;
  readonly bytes: Uint8Array;
  readonly mode: number | undefined;
}

function addFile(reading: Reading, item: Place, { path, target, bytes, mode }: ReadFile, draft: Draft): undefined {
  const value = asContent(reading, item, bytes);
  if (value === undefined) return;
  const name = nameOf(reading, path ?? target);
  draft.addFile(reading, { kind: "config", name, target, value, ...(mode !== undefined && { mode }) }, item);
}

interface ReadFolder extends Pick<ProjectMount, "target"> {
  readonly path: string;
  readonly files: readonly FolderFile[];
}

function addFolder(reading: Reading, item: Place, { path, target, files }: ReadFolder, draft: Draft): undefined {
  noteReadFolder(reading, path, item);
  const value = asContent(reading, item, folderBytes(files));
  if (value !== undefined) draft.addFile(reading, { kind: "folder", name: nameOf(reading, path), target, value }, item);
}

/** Of a path that is longer than a name may be, its end is told by a hash. */
function nameOf(reading: Reading, path: string): string {
  const name = fullName(reading, pathAsName(path), newDefinition());
  if (name.length <= MAX_FILE_NAME_CHARS) return name;
  const end = `-${createHash("sha256").update(path).digest("hex").slice(0, 16)}`;
  return `${name.slice(0, MAX_FILE_NAME_CHARS - end.length)}${end}`;
}
