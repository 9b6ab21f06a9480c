import { extname, posix } from "node:path";
import type { Mount } from "../deployment/mount-contract.ts";
import { fullName, newDefinition } from "./definition-fields.ts";
import type { Draft } from "./draft.ts";
import { asContent } from "./file-definitions.ts";
import type { Place, Reading } from "./reading.ts";
import { pathAsName, volumeInPlaceOf } from "./volume-definitions.ts";

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

const EXECUTABLE_MODE = 0o555;
/** Where Dokploy keeps what containers write, and what its own pages write for them: the folder is there, and not here. */
const DOKPLOY_FOLDER = "../files/";

/** A file becomes one of the container's files, read now; a folder that is empty or missing becomes a volume. A folder with files in it cannot be had. */
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
  const there = source.startsWith(DOKPLOY_FOLDER)
    ? ({ kind: "absent" } as const)
    : path === "."
      ? ({ kind: "folder", isEmpty: false } as const)
      : reading.files.look(path, item);
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
      return addFile(reading, item, { path, target, bytes, mode: there.isExecutable === true ? EXECUTABLE_MODE : undefined }, draft);
    }
    case "folder":
      if (there.isEmpty) break;
      return reading.refuse(
        item,
        `${source} is a folder of this machine, and the files in it are not on the nodes.`,
        "put them into the image, or mount them one by one; use a named volume for data.",
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
  const name = fullName(reading, pathAsName(path ?? target), newDefinition());
  draft.addFile(reading, { kind: "config", name, target, value, ...(mode !== undefined && { mode }) }, item);
}
