import { z } from "zod";

/** Files of one folder. Further ones are refused. */
export const MAX_FOLDER_FILES = 200;
/** Of all of its files: with their names and in base64, they still are one content, which is as large as a file may be. */
export const MAX_FOLDER_BYTES = 340_000;
const MAX_PATH_CHARS = 200;

/** Within the folder. */
const InnerPath = z
  .string()
  .max(MAX_PATH_CHARS)
  .refine(
    (path) => path.split("/").every((part) => part !== "" && part !== "." && part !== "..") && !path.includes("\0"),
    "a path in a folder is written like sites/shop.conf",
  );

const FolderFile = z.strictObject({
  path: InnerPath,
  /** In base64. */
  value: z.base64(),
  /** It may be executed. */
  isProgram: z.boolean(),
});
export type FolderFile = z.infer<typeof FolderFile>;

/** The content of a folder of files, as it is sealed: in the order of their paths, so that the same files are the same content. */
export const FolderContent = z.strictObject({
  files: z
    .array(FolderFile)
    .min(1)
    .max(MAX_FOLDER_FILES)
    .refine((files) => areApart(files.map(({ path }) => path)), "two files of a folder have the same path, or one is in the other"),
});

function areApart(paths: readonly string[]): boolean {
  const sorted = paths.map((path) => `${path}/`).toSorted();
  return sorted.every((path, index) => sorted[index + 1]?.startsWith(path) !== true);
}

export function folderBytes(files: readonly FolderFile[]): Uint8Array {
  const inOrder = files.toSorted((one, other) => (one.path < other.path ? -1 : 1));
  return Buffer.from(JSON.stringify({ files: inOrder.map(({ path, value, isProgram }) => ({ path, value, isProgram })) }));
}

/** Undefined: these bytes are no folder. */
export function folderOf(bytes: Uint8Array): readonly FolderFile[] | undefined {
  try {
    return FolderContent.safeParse(JSON.parse(Buffer.from(bytes).toString("utf8"))).data?.files;
  } catch {
    return undefined;
  }
}
