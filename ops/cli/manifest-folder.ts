import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { MAX_MANIFEST_BYTES } from "../../actors/manifest/parse-yaml.ts";
import type { FileRead, ProjectFiles } from "../../actors/manifest/project-files.ts";

/** By its owner, its group or others. */
const EXECUTABLE = 0o111;

/** The files of a folder on this machine. What leads out of it, by a link too, is refused. */
export function folderFiles(folder: string): ProjectFiles {
  return { read: (path) => read(folder, path) };
}

function read(folder: string, path: string): FileRead {
  try {
    const real = realpathSync(join(folder, path));
    const inside = relative(realpathSync(folder), real);
    if (inside === ".." || inside.startsWith("../") || isAbsolute(inside))
      return { kind: "refused", reason: `${path} leads out of the project's folder, to ${real}, and is not read.` };
    const found = statSync(real);
    if (found.isDirectory()) return { kind: "folder", names: readdirSync(real) };
    if (!found.isFile()) return { kind: "refused", reason: `${path} is neither a file nor a folder, and is not read.` };
    if (found.size > MAX_MANIFEST_BYTES) return { kind: "refused", reason: `${path} is larger than ${MAX_MANIFEST_BYTES} bytes.` };
    const bytes = readFileSync(real);
    return { kind: "text", text: bytes.toString("utf8"), bytes, isExecutable: (found.mode & EXECUTABLE) !== 0 };
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return { kind: "absent" };
    return { kind: "refused", reason: `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}.` };
  }
}
