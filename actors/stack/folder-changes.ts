import type { SealedStore } from "../../storage/sealed-port.ts";
import { type GivenFile, sealedName } from "../deployment/file-contract.ts";
import { fewOf } from "../deployment/sentence.ts";
import { type FolderFile, folderOf } from "../deployment/folder-contract.ts";

/** Files that are named one by one; of more, their number is told. */
const MOST_NAMED = 10;

/** What would be different in folders of files, a sentence for each: which files, and nothing of what is in them. */
export async function folderChanges(
  given: readonly GivenFile[],
  present: readonly GivenFile[],
  sealed: SealedStore,
): Promise<readonly string[]> {
  const sentences: string[] = [];
  for (const { kind, target, value } of given) {
    const before = present.find((file) => file.kind === "folder" && file.target === target);
    if (kind !== "folder" || value === undefined || before?.version === undefined) continue;
    const [old, now] = [await sealed.open(sealedName(before), before.version), Buffer.from(value, "base64")].map(
      (bytes) => bytes && folderOf(bytes),
    );
    const changes = old === undefined || now === undefined ? [] : changesOf(old, now);
    if (changes.length > 0) sentences.push(`In ${target}, ${fewOf(changes, String, MOST_NAMED)}.`);
  }
  return sentences;
}

function changesOf(before: readonly FolderFile[], after: readonly FolderFile[]): readonly string[] {
  const [old, now] = [before, after].map((files) => new Map(files.map((file) => [file.path, file])));
  const paths = [...new Set([...before, ...after].map(({ path }) => path))].toSorted();
  return paths.flatMap((path) => {
    const [was, is] = [old?.get(path), now?.get(path)];
    if (was === undefined) return [`${path} is added`];
    if (is === undefined) return [`${path} is removed`];
    return was.value === is.value && was.isProgram === is.isProgram ? [] : [`${path} changes`];
  });
}
