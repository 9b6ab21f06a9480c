import { posix } from "node:path";
import { type FolderFile, MAX_FOLDER_BYTES, MAX_FOLDER_FILES } from "../deployment/folder-contract.ts";
import type { Place, Reading } from "./reading.ts";

/** Every file in a folder of the project, and in the folders in it; undefined with a finding where that is more than is taken, or cannot be read. */
export function readFolder(reading: Reading, item: Place, folder: string): readonly FolderFile[] | undefined {
  const files: FolderFile[] = [];
  let bytes = 0;
  // Links may lead in a circle, which this bounds as well.
  let seen = 0;
  const open = [""];
  for (;;) {
    const inner = open.shift();
    if (inner === undefined) return files;
    const there = reading.files.look(posix.join(folder, inner), item);
    if (there === undefined) return undefined;
    seen += 1;
    if (there.kind === "absent")
      return reading.findings.error(
        "file",
        item,
        `${posix.join(folder, inner)} is a link that leads nowhere.`,
        "remove it, or put there what it leads to.",
      );
    if (there.kind === "folder") open.push(...there.names.map((name) => posix.join(inner, name)));
    if (there.kind === "text") {
      const content = there.bytes ?? Buffer.from(there.text);
      bytes += content.length;
      files.push({ path: inner, value: Buffer.from(content).toString("base64"), isProgram: there.isExecutable === true });
    }
    if (seen + open.length > MAX_FOLDER_FILES || bytes > MAX_FOLDER_BYTES) return tooMuch(reading, item, folder);
  }
}

function tooMuch(reading: Reading, item: Place, folder: string): undefined {
  return reading.findings.error(
    "too-much",
    item,
    `The folder ${folder} is more than is read beside a manifest: ${MAX_FOLDER_FILES} files and folders of together ${MAX_FOLDER_BYTES} bytes.`,
    "put the files into the image, or mount those that are needed one by one.",
  );
}
